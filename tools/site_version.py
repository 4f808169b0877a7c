"""The version in the footer of the documentation site, as a hook of MkDocs."""

from mkdocs.config.defaults import MkDocsConfig

from pruning.version import pruneserve_version


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the version into the footer of each page."""
    config.copyright = f"PruneServe {pruneserve_version()}"
    return config
