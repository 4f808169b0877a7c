"""Events are listened for at an address of their own, where there is one."""

from pydantic import SecretStr

from api.resources import AppResources
from jobs.settings import Settings


def test_the_api_listens_at_the_configured_url(settings: Settings) -> None:
    direct = "postgresql://user:password@postgres.example/name"
    told = settings.model_copy(update={"listen_url": SecretStr(direct)})
    found = [AppResources.of(each).streams.listener.url for each in (settings, told)]
    assert found == [settings.database_url.get_secret_value(), direct]
