"""A bare static Kivy window of the screen's size: what the screen process is compared with.

Run as a program it prints the processor seconds and the resident bytes at its first frame, then stays.
"""

import os
import sys

os.environ.update(KIVY_NO_ARGS="1", KIVY_NO_CONSOLELOG="1", KIVY_NO_FILELOG="1")


def main(width: int, height: int) -> None:
    from kivy.config import Config

    Config.set("graphics", "width", str(width))
    Config.set("graphics", "height", str(height))

    from kivy.base import runTouchApp
    from kivy.core.window import Window
    from kivy.uix.widget import Widget

    def first(*_: object) -> None:
        Window.unbind(on_flip=first)
        print("drawn", flush=True)

    Window.bind(on_flip=first)
    runTouchApp(Widget())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
