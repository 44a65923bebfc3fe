"""Parameters of a constructor, read and set by name, as scikit-learn's tools expect them.

Why not scikit-learn's own `BaseEstimator`: importing it brings SciPy's statistics and pandas, about
as much as torch, before the first row is read (docs/decisions/0009-speed.md). What is here needs it
only when scikit-learn itself asks.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from inspect import Parameter, signature
from typing import Any, Self

from offbeat.errors import ConfigError

__all__ = ["HasParameters"]


class HasParameters:
    """What stores the arguments of its constructor under their names, and does nothing else there.

    Works with `sklearn.base.clone`, pipelines and searches.
    """

    @classmethod
    @cache
    def _defaults(cls) -> dict[str, object]:
        """Every parameter's name and default."""
        given = signature(cls.__init__).parameters.values()
        return {each.name: each.default for each in given if each.name != "self"}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name.

        Parameters
        ----------
        deep
            Whether parameters of parameters come too, as `name__inner`.
        """
        found: dict[str, Any] = {}
        for name in sorted(self._defaults()):
            value = getattr(self, name)
            if deep and _has_parameters(value):
                found |= {f"{name}__{key}": inner for key, inner in value.get_params().items()}
            found[name] = value
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, of a parameter as `name__inner`.

        Raises
        ------
        ConfigError
            If there is none of that name.
        """
        known = self._defaults()
        for key, value in params.items():
            name, _, inner = key.partition("__")
            if name not in known:
                raise ConfigError(
                    f"{type(self).__name__} has no parameter {name!r}: it has {', '.join(known)}"
                )
            if inner:
                getattr(self, name).set_params(**{inner: value})
            else:
                setattr(self, name, value)
        return self

    def fresh(self) -> Self:
        """Another one with the same parameters, that has learned nothing."""
        return type(self)(**{name: _fresh(value) for name, value in self.get_params(False).items()})

    def __repr__(self) -> str:
        defaults = self._defaults()
        given = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if defaults[name] is Parameter.empty or repr(value) != repr(defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools want to know: nothing out of the ordinary."""
        from sklearn.base import BaseEstimator

        return BaseEstimator().__sklearn_tags__()


def _has_parameters(value: object) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _fresh(value: Any) -> Any:
    if isinstance(value, HasParameters):
        return value.fresh()
    if isinstance(value, tuple | list):
        return type(value)(_fresh(each) for each in value)
    if _has_parameters(value):  # a model of scikit-learn's kin
        from sklearn.base import clone

        return clone(value)
    return deepcopy(value)
