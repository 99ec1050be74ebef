"""The cast: who the invented people are, whom they write to, and what about. Data."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_agent.records import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePerson:
    """An invented person. `manner` says in a line how the manner depends on the mail."""

    key: str
    address: Address
    manner: str
    signature: tuple[str, ...]
    inside: tuple[str, ...]
    outside: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]
    requests: tuple[str, ...]
    questions: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    subjects: tuple[str, ...]


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split(", "))


_COMMON = {
    "day": _list("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday"),
    "hour": ("9", "10", "half past 10", "noon", "2", "3", "half past 4", "6"),
    "n": tuple(str(n) for n in range(2, 48)),
    "money": ("120", "340", "480", "650", "1,200", "1,850", "2,400", "7,300"),
}

ADA = SamplePerson(
    key="ada",
    address=Address(name="Ada Lindqvist", address="ada@lindqvist-arkitekter.example"),
    manner="terse and lower case inside her office, formal to strangers, friendly in replies",
    signature=("Ada Lindqvist", "Lindqvist Arkitekter", "Hamngatan 7, +46 31 555 0142"),
    inside=("Jonas Ek", "Signe Hallberg", "Petra Sund", "Olle Vik", "Mira Dahl", "Elin Rask"),
    outside=(
        ("Ben Hollis", "hollis-build.example"),
        ("Karin Foss", "fosskommun.example"),
        ("Tom Aldridge", "aldridge.example"),
        ("Yusuf Demir", "demir-glas.example"),
        ("Helena Brandt", "brandt-statik.example"),
        ("Ralf Osterman", "osterman.example"),
        ("Sofia Lund", "nordbank.example"),
        ("Gita Rao", "raohouse.example"),
        ("Carl Nyman", "nyman-ror.example"),
        ("Maud Ferrer", "ferrer-tegel.example"),
        ("Ivar Holm", "holmvillan.example"),
        ("Lotta Quist", "quist.example"),
    ),
    statements=(
        "I have moved the {part} {n} centimetres to the {side}",
        "I will send the revised {drawing} on {day}",
        "The {part} does not fit the {drawing}",
        "I am on the {site} site until {hour}",
        "The municipality has approved the {drawing} for the {site}",
        "I have asked for a second offer for the {material}, it was {money} euros too high",
        "The {material} will arrive on {day}",
        "I would prefer {material} for the {part}",
        "We need {n} square metres more {material} than planned",
        "I cannot accept the {part} as it has been built",
        "The client of the {site} wants to see the {drawing} before {day}",
        "I did not receive the invoice for the {material}",
        "The meeting about the {site} is on {day} at {hour}",
        "It is not possible to lower the {part} without a new {drawing}",
        "The cost of the {part} has risen to {money} euros",
        "I have attached the {drawing} of the {site}",
        "I think the {part} should face the {side}",
        "The neighbours of the {site} have objected to the {part}",
    ),
    requests=(
        "Send me the {drawing} of the {site} by {day}",
        "Check the measurements of the {part} once more",
        "Order {n} samples of the {material}",
        "Call the carpenter about the {part}",
        "Confirm the delivery of the {material} for {day}",
    ),
    questions=(
        "Is the {material} for the {site} in stock?",
        "Which {part} does the client prefer?",
        "Are the {n} windows on the {side} side included?",
        "When will the {drawing} be signed?",
        "Do we need a permit for the {part}?",
    ),
    words=_COMMON
    | {
        "part": _list(
            "stairwell, terrace door, skylight, gable, kitchen wall, "
            "handrail, roof edge, bay window, chimney, cellar stairs"
        ),
        "side": _list("left, right, north, south, street"),
        "drawing": _list("floor plan, section, site plan, detail drawing, elevation"),
        "material": _list("larch cladding, brick, slate, oak flooring, triple glazing, zinc"),
        "site": _list("harbour house, school, villa, boathouse, library, mill"),
    },
    subjects=("{site}: {part}", "{drawing} of the {site}", "{material} for the {site}", "{part}"),
)

BRUNO = SamplePerson(
    key="bruno",
    address=Address(name="Bruno Castellani", address="bruno@camerata-verde.example"),
    manner="warm and loud; numbers long mails, answers one point in a line, smiles at friends",
    signature=("Bruno Castellani", "Camerata Verde", "www.camerata-verde.example, 555 0177"),
    inside=("Livia Moro", "Paul Jansen", "Agnes Toth", "Theo Blum", "Nina Korhonen", "Sam Adeyemi"),
    outside=(
        ("Greta Simon", "konzerthaus.example"),
        ("Marc Dupont", "festival-sel.example"),
        ("Ellen Park", "parkmanagement.example"),
        ("Viktor Hahn", "hahn-geigen.example"),
        ("Rosa Prieto", "radiocinco.example"),
        ("Dan Whitlock", "whitlockhall.example"),
        ("Ines Faro", "faroprint.example"),
        ("Joel Stern", "sternfoundation.example"),
        ("Amira Haddad", "haddadpiano.example"),
        ("Piet Vos", "vostravel.example"),
        ("Clara Benn", "bennmusic.example"),
        ("Oskar Lind", "lindhotel.example"),
    ),
    statements=(
        "I have booked the {hall} for the rehearsal on {day}",
        "I will bring the parts of the {piece} to the {hall}",
        "We have sold {n} tickets for the {piece} so far",
        "The {player} is ill and we need a replacement by {day}",
        "I am so happy with the recording of the {piece}",
        "The bus leaves from the {hall} at {hour}",
        "It is a pity that the {player} cannot come",
        "The {hall} costs {money} euros for the evening",
        "I have not heard from the {player} yet",
        "The programme opens with the {piece}",
        "I do not think we should play the {piece} in the {hall}",
        "The rehearsal on {day} starts at {hour}",
        "The foundation gives us {money} euros for the tour",
        "I found a wonderful {player} in Trieste",
        "We will need {n} more music stands",
        "I would love to repeat the {piece} in spring",
        "The posters are ready and look great",
        "The hotel has only {n} rooms left",
    ),
    requests=(
        "Send me the programme text for the {piece}",
        "Ask the {player} about {day}",
        "Book {n} rooms near the {hall}",
        "Bring the folding stands to the {hall}",
        "Forward the contract to the {player}",
    ),
    questions=(
        "Can the {player} come on {day}?",
        "Is the {hall} free on {day} at {hour}?",
        "How many chairs are there in the {hall}?",
        "Who has the score of the {piece}?",
        "What did the audience say about the {piece}?",
    ),
    words=_COMMON
    | {
        "hall": _list("town hall, old brewery, chapel, museum, small stage, conservatory"),
        "piece": _list(
            "octet, string serenade, Vivaldi concerto, "
            "new commission, nocturne, cello suite, wind quintet"
        ),
        "player": _list("second violin, harpist, bassoonist, soloist, viola, conductor"),
    },
    subjects=("{piece} in the {hall}", "rehearsal on {day}", "{player} for the {piece}", "{hall}"),
)

CLEO = SamplePerson(
    key="cleo",
    address=Address(name="Cleo Amari", address="cleo@reefstation.example"),
    manner="short hand and dashes to her students, full sentences and semicolons to officials",
    signature=("Dr Cleo Amari", "Reef Station, Pier 4", "https://reefstation.example, 555 0119"),
    inside=("Noor Vella", "Tim Oduya", "Beth Sato", "Kai Moreno", "Lou Petit", "Uma Nair"),
    outside=(
        ("Frank Ballard", "harbourboard.example"),
        ("Dr Edith Wren", "fisheries.example"),
        ("Leo Marchetti", "marchetti-marine.example"),
        ("Dr Hugo Salas", "oceanfund.example"),
        ("Anna Birch", "coastpaper.example"),
        ("Dr Sun Mei", "baylab.example"),
        ("Otto Krag", "kragdiving.example"),
        ("Dr Ruth Adler", "ministry.example"),
        ("Pia Lang", "langboats.example"),
        ("Dr Emil Thorpe", "reefjournal.example"),
        ("Gus Romero", "romerofuel.example"),
        ("Vera Stein", "aquarium.example"),
    ),
    statements=(
        "I have counted {n} {species} at the {place}",
        "The {gear} has to be repaired before {day}",
        "I will take the boat to the {place} on {day}",
        "The samples from the {place} are in the freezer",
        "We lost the {gear} near the {place}",
        "I am not convinced by the numbers for the {species}",
        "The water at the {place} was {n} degrees",
        "The permit for the {place} ends on {day}",
        "I need the {gear} at the pier by {hour}",
        "The {species} have left the {place}",
        "The grant covers {money} euros for the {gear}",
        "I could not find the data sheet of the {place}",
        "The storm has damaged the {gear}",
        "It will take {n} days to map the {place}",
        "I would like to dive at the {place} again before {day}",
        "The article about the {species} has been accepted",
        "There is no fuel left for the {gear}",
        "I spoke to the harbour office about the {place}",
    ),
    requests=(
        "Send me the counts of the {species}",
        "Clean the {gear} before {day}",
        "Bring {n} sample bottles to the pier",
        "Check the battery of the {gear}",
        "Write down the temperature at the {place}",
    ),
    questions=(
        "Is the {gear} ready for {day}?",
        "Who has the key to the {gear}?",
        "Did you see any {species} at the {place}?",
        "When does the tide turn on {day}?",
        "How deep is the {place}?",
    ),
    words=_COMMON
    | {
        "species": _list("sea urchins, groupers, seahorses, octopuses, brittle stars, rays"),
        "place": _list("north reef, old wreck, lagoon, sandbank, kelp field, cave"),
        "gear": _list("winch, sonar, dinghy, camera frame, compressor, data logger"),
    },
    subjects=("{species} at the {place}", "{gear}", "{place} on {day}", "counts from the {place}"),
)

CAST = (ADA, BRUNO, CLEO)
