"""TASE.2 clients on hat-drivers that also ask for what they must not have, all the time, and stay.

    python -m scripts.lab.peers.trespasser --host 10.1.100.1 --associations 2

Each such request must be answered with the error object-access-denied, and nothing else may come of it.
"""

import asyncio
from typing import Final

from hat.drivers import mms

from scripts.lab.peers import model
from scripts.lab.peers.tase2_client import ANSWER_TIMEOUT_S, Association, RefusedError, run

FOREIGN: Final = "ICC2"
_PAUSE_S: Final = 0.02
_FORBIDDEN: Final = {
    "write": mms.WriteRequest([model.domain_variable("SP_1", FOREIGN)], [model.integer(1)]),
    "operate": mms.WriteRequest([model.domain_variable("BRK2")], [model.integer(1)]),
    "names": mms.GetNameListRequest(mms.ObjectClass.NAMED_VARIABLE, mms.DomainSpecificObjectScope(FOREIGN), None),
    "data set": mms.DefineNamedVariableListRequest(model.domain_name("SECRET"), [model.domain_variable("PT_0")]),
}


class Trespasser(Association):
    """Asks for what is forbidden and what is not, in turn."""

    async def keep_alive(self) -> None:
        allowed = mms.ReadRequest([model.domain_variable("Bilateral_Table_ID")])
        while self.open and not self._stopping:
            for kind, request in _FORBIDDEN.items():
                await self._trespass(kind, request)
                await self._ask(allowed)
                self.tally.requests += 1
                await asyncio.sleep(_PAUSE_S)

    async def _trespass(self, kind: str, request: mms.Request) -> None:
        answer = await asyncio.wait_for(self._connection.send_confirmed(request), ANSWER_TIMEOUT_S)
        if answer is not mms.AccessError.OBJECT_ACCESS_DENIED:
            raise RefusedError(f"{kind}: {answer} where a denial belongs")
        self.tally.denied[kind] += 1


if __name__ == "__main__":
    run(__doc__, Trespasser)
