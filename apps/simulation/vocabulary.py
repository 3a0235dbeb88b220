"""The words of the synthetic world: topics, descriptions, comments, names, sounds, places."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "es", "de")
AGE_GROUPS = ("13-17", "18-24", "25-34", "35-44", "45-54", "55+")
DEVICES = ("android", "ios", "web", "tablet")
GENERAL_TAGS = ("fyp", "foryou", "dailyclip", "weekend", "smallcreator", "tips", "behindthescenes")


@dataclass(frozen=True, slots=True)
class Place:
    """Where viewers live: one clock and one main language."""

    country: str  # ISO 3166 alpha-2
    language: str  # of LANGUAGES
    utc_offset_minutes: int  # standard time
    weight: float  # relative number of viewers


@dataclass(frozen=True, slots=True)
class Topic:
    """The wording of one topic."""

    name: str
    handle: str  # last part of creators' handles
    title: str  # what display names end in
    tags: tuple[str, ...]
    objects: tuple[str, ...]  # fill the {x} of the English lines
    en: tuple[str, ...]
    es: tuple[str, ...]
    de: tuple[str, ...]


PLACES = (
    Place("US", "en", -300, 18),
    Place("US", "en", -480, 12),
    Place("GB", "en", 0, 10),
    Place("IN", "en", 330, 12),
    Place("AU", "en", 600, 5),
    Place("NG", "en", 60, 4),
    Place("ES", "es", 60, 9),
    Place("MX", "es", -360, 8),
    Place("AR", "es", -180, 5),
    Place("DE", "de", 60, 12),
    Place("AT", "de", 60, 3),
    Place("CH", "de", 60, 2),
)

# Given names by language of the creator.
NAMES = {
    "en": (
        "amelia", "ben", "chloe", "dev", "ella", "finn", "grace", "harvey", "isla", "jamal",
        "kofi", "lily", "maya", "noah", "olive", "priya", "quinn", "ruby", "sam", "zoe",
    ),
    "es": (
        "marta", "diego", "lucia", "pablo", "carmen", "mateo", "sofia", "javi", "elena", "bruno",
        "ines", "rafa",
    ),
    "de": (
        "anna", "jonas", "lena", "moritz", "greta", "felix", "klara", "emil", "frieda", "theo",
        "mila", "oskar",
    ),
}  # fmt: skip

# Frames put around a line, so that few lines make many different descriptions.
FRAMES = {
    "en": (
        "{}.",
        "{}. Took me three tries, worth it.",
        "{}. Save this for the weekend!",
        "{}. From start to finish.",
        "{}. Nobody told me it would be this satisfying.",
        "{}. Part two if you want it.",
        "{}. Wait for the end.",
        "{}. You asked, so here it is.",
        "{}. My neighbor thinks I've lost it.",
        "{}. No talking, just the good bits.",
        "{}. Filmed in one take.",
        "{}. What would you have done?",
    ),
    "es": (
        "{}.",
        "{}. A la tercera salió.",
        "{}. ¡Guárdalo para el finde!",
        "{}. Quédate hasta el final.",
        "{}. Me lo pedisteis mucho.",
        "{}. Sin cortes y sin trucos.",
        "{}. ¿Tú qué harías?",
        "{}. Cuéntame en los comentarios.",
        "{}. Mi abuela lo aprueba.",
        "{}. Más fácil de lo que parece.",
    ),
    "de": (
        "{}.",
        "{}. Beim dritten Versuch hat es geklappt.",
        "{}. Speichern fürs Wochenende!",
        "{}. Bis zum Ende dranbleiben.",
        "{}. Ihr habt gefragt, hier ist es.",
        "{}. Ohne Schnitt gefilmt.",
        "{}. Was hättet ihr gemacht?",
        "{}. Einfacher, als es aussieht.",
        "{}. Oma ist begeistert.",
        "{}. Schreibt eure Tipps in die Kommentare.",
    ),
}

# When all lines of a topic are used up, a sequel.
SEQUELS = {"en": "{} (Part {})", "es": "{} (Parte {})", "de": "{} (Teil {})"}

# Comments by language: pleased ones, then critical ones.
COMMENTS = {
    "en": (
        (
            "This made my morning", "Saving this for later!", "How do you make it look so easy?",
            "I've watched this four times now", "Trying this tonight, thank you",
            "The ending got me", "More of this please", "My kids love your videos",
            "Okay, I needed this today", "So calming", "Sent this to my sister right away",
            "Underrated channel", "Wait, that actually works?!", "That little smile at the end",
            "Which camera do you use?", "Finally someone explains it properly",
        ),
        (
            "A bit long for me", "The sound is too loud", "I liked your older ones more",
            "Didn't work for me, what did I miss?", "The title promised more",
        ),
    ),
    "es": (
        (
            "¡Qué maravilla!", "Lo pruebo este finde", "Me has alegrado el día",
            "¿Puedes hacer una segunda parte?", "Lo he visto tres veces ya",
            "Se lo mando a mi hermana", "Por fin alguien lo explica bien", "Ese final, increíble",
            "Qué bien lo haces parecer fácil", "Gracias, justo lo que buscaba",
        ),
        ("Se me hizo largo", "La música está muy alta", "Esperaba algo más", "A mí no me salió"),
    ),
    "de": (
        (
            "Das probiere ich heute noch aus", "Wie schön ist das denn!",
            "Bitte mehr davon", "Schon dreimal angeschaut", "Endlich mal gut erklärt",
            "Hat mir den Tag gerettet", "Gleich an meine Schwester geschickt",
            "Das Ende ist der Hammer", "Bei dir sieht es so leicht aus", "Danke für den Tipp!",
        ),
        ("Etwas zu lang", "Der Ton ist zu laut", "Hat bei mir nicht geklappt", "Nicht so meins"),
    ),
}  # fmt: skip

SONG_FIRST = (
    "Midnight", "Paper", "Golden", "Velvet", "Slow", "Electric", "Summer", "Distant", "Neon",
    "Honey", "Silver", "Wild", "Quiet", "Lucky", "Crimson", "Frozen", "Lazy", "Little", "Hollow",
    "Sunday",
)  # fmt: skip
SONG_SECOND = (
    "Lemonade", "Lanterns", "Rooftops", "Parade", "Tides", "Postcards", "Bicycle", "Echoes",
    "Avenue", "Orchard", "Static", "Fireflies", "Carousel", "Harbor", "Satellites", "Polaroids",
    "Thunder", "Marbles", "Skyline", "Waltz",
)  # fmt: skip
ARTISTS = (
    "The Corner Kites", "Nora Vale", "Mondo Plaza", "Kid Cartography", "Los Faroles", "Ida Sommer",
    "Tape Garden", "DJ Marzipan", "Blue Tram", "Okonkwo & Sons", "Casa Limón", "North Pier",
)  # fmt: skip
