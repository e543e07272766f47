"""`python -m kiosk.ui --socket PATH`: the screen process by itself."""

import argparse

from kiosk.ui.process import ScreenConfig, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="kiosk.ui", description="The screen of the kiosk.")
    parser.add_argument("--socket", required=True, help="the engine's Unix socket")
    parser.add_argument("--size", default="1080x1920", help="width x height in pixels")
    parser.add_argument("--density", type=float, default=5.57, help="pixels per millimetre of the glass")
    parser.add_argument("--rotation", type=int, default=0, choices=(0, 90, 180, 270))
    parser.add_argument("--fullscreen", action="store_true")
    parser.add_argument("--touch-panel", action="store_true", help="take touches, not a pointer")
    parser.add_argument("--touch-map", action="store_true", help="tell the engine where everything to press stands")
    parser.add_argument("--screenshots", default="", help="folder for a picture of every page drawn")
    parser.add_argument("--city", default="", help="the city's name while the engine is away")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    run(
        ScreenConfig(
            options.socket,
            width,
            height,
            options.density,
            options.fullscreen,
            options.rotation,
            not options.touch_panel,
            options.touch_map,
            options.screenshots,
            options.city,
        )
    )


if __name__ == "__main__":
    main()
