"""The variables of one environment, as GitHub's API has them."""

from dataclasses import dataclass, field

from tests.github.call import NOTHING, Call, Clock, answer, error
from tests.registries.github import Answer


@dataclass
class Variables:
    """`held` maps a variable's name to what GitHub says of it."""

    clock: Clock
    held: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        return {name: told["value"] for name, told in self.held.items()}

    def add(self, call: Call) -> Answer:
        if call.body["name"] in self.held:
            return error(409, "Already exists - Variable already exists")
        now = self.clock.now()
        self.held[call.body["name"]] = {**call.body, "created_at": now, "updated_at": now}
        return answer({}, 201)

    def read(self, call: Call) -> Answer:
        held = self.held.get(call.values["name"])
        return answer(held) if held else error(404, "Not Found")

    def change(self, call: Call) -> Answer:
        held = self.held.get(call.values["name"])
        if held is None:
            return error(404, "Not Found")
        held.update({"value": call.body["value"], "updated_at": self.clock.now()})
        return NOTHING

    def drop(self, call: Call) -> Answer:
        return NOTHING if self.held.pop(call.values["name"], None) else error(404, "Not Found")
