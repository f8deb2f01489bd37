"""What an image's numbers are, told before an index is made of them.

An index of swapped bands, of numbers with an offset, or of heights in centimetres looks like
any other map; each of these is found here, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..errors import InvalidInput
from ..text import Text

__all__ = ["Scale", "band_positions", "check_bands", "check_heights", "detect_scale", "reflectance"]

#: Names that providers give to the bands.
NAMES = {
    "blue": ("b2", "b02", "blue", "bleu"),
    "green": ("b3", "b03", "green", "vert"),
    "red": ("b4", "b04", "red", "rouge", "r"),
    "nir": ("b8", "b08", "nir", "nir08", "b8a", "pir", "infrared"),
}
#: Short-wave infrared, for the indices of water in leaves and of built ground.
SWIR = {
    "swir16": ("b11", "swir16", "swir1", "swir"),
    "swir22": ("b12", "swir22", "swir2"),
}
NEEDED = ("red", "nir")
#: Sentinel-2 with its 13 bands, in order.
_SENTINEL2 = ("b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b8a", "b9", "b10", "b11", "b12")
#: Noise of a reflectance, 1 standard deviation: radiometry and atmosphere of Sentinel-2 L2A.
SENTINEL2_NOISE = 0.01
#: The same of an orthophoto in 8 bits, as a share of its full scale.
PICTURE_NOISE = 0.02


@dataclass(frozen=True)
class Scale:
    """How numbers become reflectance: ``(value + offset) * factor``.

    ``sure`` is False where the offset was guessed from the darkest pixels only;
    ``calibrated`` is False for an 8-bit picture, whose indices compare with no other image.
    """

    factor: float
    offset: float
    word: Text
    sure: bool = True
    calibrated: bool = True

    @property
    def noise(self) -> float:
        """Standard deviation of a value once scaled."""
        return SENTINEL2_NOISE if self.calibrated else PICTURE_NOISE


def band_positions(
    names: Sequence[str | None], where: str = "", more: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, int]:
    """Positions of blue, green, red and near infrared among an image's bands.

    Parameters
    ----------
    names : sequence of str
        Band descriptions. Without any: 13 bands are Sentinel-2's; 3 bands are near infrared,
        red, green as IGN delivers BD ORTHO IRC.
    where : str
        Name of the file, for the error.
    more : mapping, optional
        Roles beyond these four and the names of their bands (:data:`SWIR`).

    Raises
    ------
    InvalidInput
        If red or near infrared cannot be found.
    """
    known = [str(n or "").strip().lower() for n in names]
    if not any(known) and len(known) == len(_SENTINEL2):
        known = list(_SENTINEL2)
    elif not any(known) and len(known) == 3:
        known = ["nir", "red", "green"]
    out = {}
    for role, words in {**NAMES, **(more or {})}.items():
        at = next((known.index(w) for w in words if w in known), None)
        if at is not None:
            out[role] = at
    missing = [r for r in NEEDED if r not in out]
    if missing:
        fr = " et ".join({"red": "rouge (B4)", "nir": "proche infrarouge (B8)"}[m] for m in missing)
        name = f"{where} : " if where else ""
        raise InvalidInput(
            f"{name}bande(s) {fr} introuvable(s) ; nommez les bandes de l'image (B4, B8), ou "
            "donnez les 13 bandes de Sentinel-2, ou les 3 bandes de la BD ORTHO IRC.",
            f"{name}band(s) {', '.join(missing)} not found; name the image's bands (B4, B8), or "
            "give Sentinel-2's 13 bands, or the 3 bands of BD ORTHO IRC.",
        )
    return out


def detect_scale(image: xr.DataArray, tags: Mapping[str, str] | None = None) -> Scale:
    """What an image's numbers are: reflectance 0-1, × 10,000, with the offset, or a picture.

    Parameters
    ----------
    image : xarray.DataArray
        Bands blue, green, red, nir or some of them; NaN where nothing was measured.
    tags : mapping, optional
        The file's metadata: ``BOA_ADD_OFFSET`` decides where it is there.

    Returns
    -------
    Scale

    Raises
    ------
    InvalidInput
        If there is no value, or they are none of the four.

    Notes
    -----
    Since processing baseline 04.00 (25 January 2022) Sentinel-2 numbers are reflectance ×
    10,000 + 1000 (ESA, S2 MPC Product Specification, ``BOA_ADD_OFFSET`` = -1000). Without the
    metadata it is recognised by the darkest pixels: shadow, water or leaves reflect less than
    0.09 of red light, so that a whole scene above 990 in every band carries the offset. A scene
    that is bright all over (snow, salt) would deceive it, hence ``sure``.
    """
    values = np.asarray(image.values)
    eight = values.dtype == np.uint8
    valid = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if valid.size == 0:
        raise InvalidInput(
            "L'image ne contient aucune mesure sur la zone : vérifiez qu'elle la couvre.",
            "The image holds no measurement over the area: check that it covers it.",
        )
    step = max(1, valid.size // 2_000_000)
    low, middle, high = np.percentile(valid[::step], (0.5, 50, 99.5))
    whole = bool(np.all(valid[::step] == np.round(valid[::step])))
    if not eight and low > -0.25 and high < 2.0 and 0.0005 < middle < 1.2 and not whole:
        return Scale(1.0, 0.0, {"fr": "réflectance de 0 à 1", "en": "reflectance from 0 to 1"})
    if (eight or (whole and float(valid.max()) <= 255)) and low >= 0 and high > 20:
        return Scale(
            1 / 255,
            0.0,
            {
                "fr": "photographie sur 8 bits (0 à 255), non étalonnée : le seuil de l'indice "
                "est cherché dans l'image, et ne vaut que pour elle",
                "en": "8-bit picture (0 to 255), not calibrated: the index's threshold is sought "
                "in the image and holds for it only",
            },
            calibrated=False,
        )
    if low > -1500 and 60 < middle < 16_000 and 300 < high < 32_000:
        offset, sure = _offset(values, tags)
        plain = "réflectance × 10 000", "reflectance × 10,000"
        extra = (", décalage de -1000 retiré", ", offset of -1000 removed") if offset else ("", "")
        guess = (
            (" (reconnu aux pixels les plus sombres)", " (told by the darkest pixels)")
            if offset and not sure
            else ("", "")
        )
        return Scale(
            1e-4,
            offset,
            {"fr": plain[0] + extra[0] + guess[0], "en": plain[1] + extra[1] + guess[1]},
            sure,
        )
    raise InvalidInput(
        f"Les valeurs de l'image (médiane {middle:.3g}, maximum {high:.3g}) ne sont ni des "
        "réflectances (0 à 1 ou 0 à 10 000) ni une photographie sur 8 bits : redonnez l'image "
        "d'origine.",
        f"The image's values (median {middle:.3g}, maximum {high:.3g}) are neither reflectances "
        "(0 to 1 or 0 to 10,000) nor an 8-bit picture: give the original image.",
    )


def _offset(values: np.ndarray, tags: Mapping[str, str] | None) -> tuple[float, bool]:
    """Offset to add to the numbers, and whether it is sure."""
    told = {k.upper(): str(v) for k, v in (tags or {}).items()}
    for key in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"):
        if key in told:
            try:
                return float(told[key]), True
            except ValueError:
                break
    bands = values if values.ndim == 3 else values[None]
    dark = [np.percentile(b[np.isfinite(b)], 0.5) for b in bands if np.isfinite(b).any()]
    return (-1000.0, False) if min(dark) >= 990 else (0.0, True)


def reflectance(image: xr.DataArray, scale: Scale) -> xr.DataArray:
    """The image as reflectance (share of full scale for a picture), float32, NaN kept."""
    out = (image.astype(np.float32) + np.float32(scale.offset)) * np.float32(scale.factor)
    # What dark water has under zero is noise of the atmospheric correction.
    return out.clip(min=0.0).assign_attrs(units="1", scale=scale.word["en"])


def check_bands(red: xr.DataArray, nir: xr.DataArray, water: xr.DataArray | None = None) -> None:
    """Refuse swapped bands: water whose NDVI is positive, or bright ground that is all negative.

    Parameters
    ----------
    red, nir : xarray.DataArray
        Reflectance, on one grid.
    water : xarray.DataArray of bool, optional
        Where open water is known to be, on the same grid.

    Raises
    ------
    InvalidInput
        If they look swapped.

    Notes
    -----
    Water absorbs near infrared more than red, leaves the other way round (Tucker 1979). Without
    a water mask: no bright natural ground (red + nir > 0.15) has an NDVI under -0.2, which is
    what leaves become when bands are swapped.
    """
    r, n = np.asarray(red.values, np.float32), np.asarray(nir.values, np.float32)
    known = np.isfinite(r) & np.isfinite(n) & (r + n > 1e-4)
    total = np.where(known, r + n, 1.0)
    value = np.where(known, (n - r) / total, np.nan)
    if water is not None:
        here = known & np.asarray(water.values, bool)
        if here.sum() >= 20 and float(np.median(value[here])) > 0.05:
            raise _swapped(
                f"l'indice de l'eau y est positif ({np.median(value[here]):+.2f})",
                f"the index of water is positive ({np.median(value[here]):+.2f})",
            )
    bright = known & (total > 0.15)
    if bright.sum() >= 100:
        low = float((value[bright] < -0.2).mean())
        high = float((value[bright] > 0.2).mean())
        if low > 0.02 and low > 3 * high:
            raise _swapped(
                f"{100 * low:.0f} % du sol clair a un indice de végétation très négatif",
                f"{100 * low:.0f}% of bright ground has a very negative vegetation index",
            )


def _swapped(fr: str, en: str) -> InvalidInput:
    return InvalidInput(
        f"Le rouge et le proche infrarouge semblent inversés ({fr}) : vérifiez l'ordre ou le nom "
        "des bandes.",
        f"Red and near infrared look swapped ({en}): check the bands' order or names.",
    )


def check_heights(height: xr.DataArray, where: str = "") -> None:
    """Refuse heights above ground that are no metres, or that are altitudes.

    Raises
    ------
    InvalidInput
        If they look like centimetres (or say so), or like altitudes.
    """
    name = f"{where} : " if where else ""
    values = np.asarray(height.values)
    valid = values[np.isfinite(values)]
    if valid.size == 0:
        raise InvalidInput(
            f"{name}aucune hauteur sur la zone : vérifiez que le modèle la couvre.",
            f"{name}no height over the area: check that the model covers it.",
        )
    unit = str(height.attrs.get("units", "")).strip().lower()
    low, high = np.percentile(valid, (2, 99.9))
    if unit in {
        "cm",
        "centimetre",
        "centimetres",
        "centimètre",
        "centimètres",
        "dm",
        "mm",
        "ft",
    } or (low < 15 and high > 150):
        raise InvalidInput(
            f"{name}les hauteurs ne sont pas en mètres (0,1 % dépasse {high:.0f}"
            f"{', unité ' + unit if unit else ''}) : elles semblent en centimètres ; "
            "divisez-les par 100.",
            f"{name}heights are not metres (0.1% is above {high:.0f}"
            f"{', unit ' + unit if unit else ''}): they look like centimetres; divide by 100.",
        )
    if low > 15:
        raise InvalidInput(
            f"{name}presque tout dépasse {low:.0f} m : ce sont des altitudes et non des hauteurs "
            "au-dessus du sol ; donnez un MNH, ou soustrayez le terrain de la surface.",
            f"{name}nearly all is above {low:.0f} m: altitudes, not heights above ground; give a "
            "canopy height model, or subtract terrain from surface.",
        )
