"""The section that names the recipe which keeps most at a given speed."""
