"""One module per provider, named as in django-storages: a project switches by changing the prefix of an import."""

__all__: list[str] = []
