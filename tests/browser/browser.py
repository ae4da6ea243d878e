# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's Chromium without a window, driven by ChromeDriver."""

import base64
import time

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE = 60  # s: the first start on a busy machine


def axe_of(path):
    """The accessibility checker, which run-tests has fetched."""
    if not path:
        raise AssertionError("MULTILINK_AXE does not name axe.min.js: run-tests fetches it")
    with open(path, encoding="utf-8") as file:
        return file.read()


class Browser:
    def __init__(self, folder, script=True):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--disable-background-networking", "--no-first-run", f"--user-data-dir={folder}/chromium"):
            options.add_argument(flag)
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self._driver.set_page_load_timeout(PATIENCE)
        self._driver.set_script_timeout(PATIENCE)
        self._complaints = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._driver.quit()

    def open(self, address):
        self._driver.get(address)

    def address(self):
        return self._driver.current_url

    def look(self, size, scheme):
        """At a window of (width, height) CSS pixels, in a light or dark room."""
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 800})
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        time.sleep(0.1)

    def picture(self, path):
        """Of the whole page, also what does not fit into the window."""
        shot = self._driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {
            "x": 0, "y": 0, "scale": 1, **self.run("const e = document.documentElement; "
                                                   "return {width: e.clientWidth, height: e.scrollHeight}")}})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def text(self, selector="body"):
        """What is to be read there; nothing while the page is being loaded anew."""
        try:
            return self._driver.find_element(By.CSS_SELECTOR, selector).text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def shows(self, selector):
        return self._driver.find_element(By.CSS_SELECTOR, selector).is_displayed()

    def run(self, script):
        return self._driver.execute_script(script)

    def wait_for(self, promise):
        return self._driver.execute_async_script(
            f"const done = arguments[arguments.length - 1]; ({promise}).then(done, (e) => done({{error: String(e)}}))")

    def complaints(self):
        """What the console has said since the start that is worse than a note."""
        self._complaints += [entry for entry in self._driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
        return self._complaints

    def forget_complaints(self):
        self.complaints()
        self._complaints = []
