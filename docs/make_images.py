"""Makes the pictures of the README with the package's own plots: python docs/make_images.py"""

from pathlib import Path

from tundish.casting import read_case

IMAGES = Path(__file__).with_name("images")


def main() -> None:
    """Solves the bundled case and draws it."""
    solution = read_case().solve()
    IMAGES.mkdir(exist_ok=True)
    for name, figure in {"strand": solution.plot(), "sections": solution.plot_sections()}.items():
        figure.savefig(IMAGES / f"{name}.png", dpi=100)


if __name__ == "__main__":
    main()
