"""What OpenMMLab's own entry points look for in a package: ``mmengine.hub.get_model`` calls it."""

from __future__ import annotations

from mmengine.registry import DefaultScope, init_default_scope


def register_all_modules(set_default_scope: bool = True) -> None:
    """Fill the registries, which importing the package has done, and set a default scope where there is none.

    Args:
        set_default_scope: Whether to make ``mmseg``, which the configs are written for, the default scope.
    """
    if set_default_scope and DefaultScope.get_current_instance() is None:
        init_default_scope('mmseg')
