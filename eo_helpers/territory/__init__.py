"""WHERE: communes, their search, their boundaries and official CRS, who lives there.

Import from the modules: ``commune`` (Commune), ``index`` (CommuneIndex, Match), ``read``
(strict reader of commune tables), ``names`` (how names compare), ``departements``,
``population``. This file imports nothing, so that a command starts fast.
"""
