"""The viewer's page, made with viser: what is in it, and what its controls do.

What is shown, in which colours and from where, is computed in `looks` and `placing`.
"""

import contextlib
import dataclasses
import io
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsplat.errors import ConfigError
from jaxsplat.report import figures
from jaxsplat.viewing import looks, painting, placing
from jaxsplat.viewing.drawing import Drawer
from jaxsplat.viewing.exhibit import Exhibit
from jaxsplat.viewing.looks import Look, Looks
from jaxsplat.viewing.placing import Frustum

_TOGETHER = "all together"
# Of frusta, in multiples of the cameras' distance; pixels of their pictures.
_TRAINING_SCALE, _SHOT_SCALE, _PICTURE_SIDE = 0.015, 0.045, 192
# Of the lines, in multiples of the cameras' distance.
_THICKNESS = 0.001
_GREY, _GOOD, _BAD, _UNKNOWN = (150, 155, 160), (27, 110, 60), (179, 38, 30), (90,) * 3
_NO_PICTURE = np.full((1, 1, 3), 255, np.uint8)
# Pixels of the longer side that our own renderer draws.
_DRAWN_SIDE = 480


class Stage:
    """A running viewer; use it as a context manager.

    Attributes:
        port: that the page is served at.
    """

    def __init__(
        self,
        exhibit: Exhibit,
        host: str,
        port: int,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        """Serves the page; returns at once.

        Args:
            exhibit: what is shown.
            host: address that may connect, 127.0.0.1 for this machine alone.
            port: the first that is tried.
            watch: called with the number of each photograph before it is looked at.

        Raises:
            ConfigError: viser is not installed.
        """
        viser = _viser()
        self._exhibit = exhibit
        self._looks = Looks(exhibit, watch)
        self._look = self._looks.first
        self._drawer = Drawer(exhibit.detector.twin)
        self._lock = threading.Lock()
        with _silent():
            self._server = viser.ViserServer(
                host, port, label=exhibit.name, verbose=False
            )
        self.port: int = self._server.get_port()
        self._is_drawn = False
        self._center = np.asarray(exhibit.detector.twin.center, float)
        self._distance = placing.usual_distance(exhibit.cameras, self._center)
        self._up = placing.up_of(exhibit.cameras)
        self._scene()
        self._controls()
        self._server.on_client_connect(self._greet)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        with _silent():
            self._server.stop()

    def _scene(self) -> None:
        scene = self._server.scene
        scene.set_up_direction(tuple(self._up.tolist()))
        posed = [shot.camera for shot in self._exhibit.shots]
        first = placing.frustum(
            placing.overview(posed, self._center, self._up, self._distance)
        )
        start = self._server.initial_camera
        start.position, start.fov = first.position, first.fov
        start.look_at = tuple(self._center.tolist())
        start.up = tuple(self._up.tolist())
        shown = looks.splats_of(self._looks.scene(self._look))
        self._splats = scene.add_gaussian_splats(
            "/object",
            centers=shown.centers,
            covariances=shown.covariances,
            rgbs=shown.colors,
            opacities=shown.opacities,
        )
        self._training = [
            scene.add_camera_frustum(
                f"/training/{number}",
                scale=_TRAINING_SCALE * self._distance,
                thickness=_THICKNESS * self._distance,
                color=_GREY,
                **_placed(placing.frustum(view.camera)),
            )
            for number, view in enumerate(self._exhibit.training)
            if view.camera is not None
        ]
        self._shots = [self._add_shot(n) for n in range(len(self._exhibit.shots))]

    def _add_shot(self, number: int) -> Any:
        shot = self._exhibit.shots[number]
        handle = self._server.scene.add_camera_frustum(
            f"/photographs/{number}",
            scale=_SHOT_SCALE * self._distance,
            thickness=_THICKNESS * self._distance,
            color={None: _UNKNOWN, False: _GOOD, True: _BAD}[shot.defective],
            image=figures.thumbnail(shot.picture, _PICTURE_SIDE),
            **_placed(placing.frustum(shot.camera)),
        )

        @handle.on_click
        def _(event: Any) -> None:
            self._choose(number, event.client)

        return handle

    def _controls(self) -> None:
        gui, look, top = self._server.gui, self._look, self._looks.highest
        gui.configure_theme(show_logo=False)
        gui.main_panel.dock_right()
        gui.add_markdown(f"## {self._exhibit.name}")
        self._told = gui.add_markdown(self._looks.told(look))
        self._color = gui.add_dropdown(
            "Colour", painting.choices(self._exhibit), initial_value=look.color
        )
        self._names = (_TOGETHER, *self._looks.names())
        self._shot = gui.add_dropdown("Anomaly of", self._names)
        self._picture = gui.add_image(_NO_PICTURE, visible=False)
        # Numbers that a narrow field has room for: a power of ten is the step.
        digits = 2 - math.floor(math.log10(top))
        step = 10.0**-digits
        self._threshold = gui.add_slider(
            "Threshold",
            0.0,
            round(math.ceil(top / step) * step, digits),
            step,
            round(look.threshold, digits + 1),
        )
        with_training = gui.add_checkbox("Training cameras", False)
        self._with_shots = gui.add_checkbox("Photographs", True)
        own = gui.add_checkbox(
            "Own renderer", False, hint="as inspection sees the object"
        )
        for note in self._exhibit.notes:
            gui.add_markdown(f"_{note}_")
        self._show(self._training, False)
        self._color.on_update(lambda _: self._change())
        self._threshold.on_update(lambda _: self._change())
        self._shot.on_update(lambda event: self._listed(event.client))
        with_training.on_update(
            lambda _: self._show(self._training, with_training.value)
        )
        self._with_shots.on_update(lambda _: self._show_shots())
        own.on_update(lambda _: self._draw_ourselves(own.value))

    def _show(self, handles: list[Any], is_shown: bool) -> None:
        for handle in handles:
            handle.visible = is_shown

    def _show_shots(self) -> None:
        """Shows the photographs in space; the chosen one would hide the object."""
        self._show(self._shots, self._with_shots.value)
        number = self._look.shot
        if number is not None:
            self._shots[number].visible = False
            self._picture.image = self._exhibit.shots[number].picture
        self._picture.visible = number is not None

    def _listed(self, client: Any) -> None:
        """Shows the photograph that was chosen from the list."""
        number = self._names.index(self._shot.value) - 1
        if number >= 0 and client is not None:
            self._fly(number, client)
        self._change()

    def _choose(self, number: int, client: Any) -> None:
        """Shows a photograph that was clicked."""
        self._shot.value = self._names[number + 1]
        self._fly(number, client)
        self._change()

    def _fly(self, number: int, client: Any) -> None:
        camera = self._exhibit.shots[number].camera
        target = placing.frustum(camera)
        ahead = np.asarray(camera.camera_from_world)[2, :3].astype(float)
        eye = np.asarray(target.position)
        with client.atomic():
            client.camera.position = eye
            client.camera.look_at = eye + self._distance * ahead
            client.camera.up_direction = placing.upright(camera, self._up)
            client.camera.fov = target.fov

    def _change(self) -> None:
        """Shows what the controls say."""
        with self._lock:
            # Read by whoever has the lock: of what is asked for while a look is made,
            # as when the slider is drawn along, the last alone is made.
            number = self._names.index(self._shot.value) - 1
            shot = None if number < 0 else number
            look = Look(self._color.value, shot, self._threshold.value)
            if look == self._look:
                return
            self._look = look
            shown = looks.splats_of(self._looks.scene(look))
            self._splats.set_gaussians(
                shown.centers, shown.covariances, shown.colors, shown.opacities
            )
        self._told.content = self._looks.told(look)
        self._show_shots()
        self._redraw()

    def _greet(self, client: Any) -> None:
        client.camera.on_update(lambda _: self._draw(client))

    def _draw_ourselves(self, is_asked: bool) -> None:
        self._is_drawn = is_asked
        self._splats.visible = not is_asked
        if is_asked:
            self._redraw()
            return
        for client in self._server.get_clients().values():
            client.scene.set_background_image(None)

    def _redraw(self) -> None:
        for client in self._server.get_clients().values():
            self._draw(client)

    def _draw(self, client: Any) -> None:
        """Puts our own picture behind what a client sees."""
        seen = client.camera
        # A window without area has no proportion.
        if not self._is_drawn or not 0 < seen.aspect < math.inf:
            return
        frustum = Frustum(tuple(seen.wxyz), tuple(seen.position), seen.fov, seen.aspect)
        with self._lock:
            # While this one waited, the camera may have moved on.
            if (tuple(seen.wxyz), tuple(seen.position)) != (
                frustum.wxyz,
                frustum.position,
            ):
                return
            size = looks.render_size(seen.aspect, _DRAWN_SIDE)
            camera = placing.of_viewer(frustum, *size)
            picture, depth = self._drawer.draw(self._looks.scene(self._look), camera)
        client.scene.set_background_image(picture, format="jpeg", depth=depth)


def _placed(frustum: Frustum) -> dict[str, Any]:
    return dataclasses.asdict(frustum)


def _silent() -> contextlib.AbstractContextManager[object]:
    """Keeps viser's greetings from stdout, where results belong."""
    return contextlib.redirect_stdout(io.StringIO())


def _viser() -> Any:
    try:
        import viser
    except ImportError as error:
        raise ConfigError(
            "viser: found nothing, expected it installed: pip install jaxsplat[view]"
        ) from error
    return viser
