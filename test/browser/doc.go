// Package browser holds the console to what a person sees of it: its tests drive a
// Chromium. They leave screenshots in bin/browser, to be looked at.
package browser
