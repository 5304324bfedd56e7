"""Persons in pictures: ``scene-persons`` looks at the pictures of scenes, ``person-photo`` at photos of persons.

Both turn pictures into vectors by the same method, so that they can be compared. ``picture`` compares whole pictures:
it finds a person where photo and scene look alike, as systems do that compare persons by CLIP, and knows no faces.
``faces`` finds faces and compares those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reprise.core.items import ItemKind
from reprise.core.spec import Subject
from reprise.errors import ItemError, NoFace, NothingToSee
from reprise.models.picture_methods import PictureMethod, PictureModel, picture_method

if TYPE_CHECKING:
    from reprise.core.choices import ModelChoices


class _PersonModel(PictureModel):
    faceless: ClassVar[type[ItemError]]
    """What a picture without a face is."""

    def choose(self, choices: ModelChoices) -> PictureMethod:
        if choices.person_model != "faces":
            return picture_method(choices)
        from reprise.models.faces import FacePictures

        return FacePictures(choices, self.faceless)


class ScenePersons(_PersonModel):
    """One vector per picture of a scene; of several faces the largest. A picture without a face has none."""

    name: ClassVar[str] = "scene-persons"
    summary: ClassVar[str] = "each picture of a scene, to be compared with persons"
    subject: ClassVar[Subject] = Subject(ItemKind.FRAME, "image")
    faceless: ClassVar[type[ItemError]] = NothingToSee


class PersonPhoto(_PersonModel):
    """One vector per photo; of several faces the largest. A photo without a face fails, and says so."""

    name: ClassVar[str] = "person-photo"
    summary: ClassVar[str] = "each reference photo of a person"
    subject: ClassVar[Subject] = Subject(ItemKind.PHOTO, "image")
    faceless: ClassVar[type[ItemError]] = NoFace


def why_disabled(choices: ModelChoices) -> str:
    """Why persons cannot be compared as the settings say, with what is to be done; empty: they can."""
    if choices.person_model != "faces":
        return ""
    unset = [name for name in ("face_detector", "face_embedder") if not getattr(choices, name)]
    if not unset:
        return ""
    return f"person_model is faces, and no file is named for it: set {' and '.join(unset)}, or person_model to picture"
