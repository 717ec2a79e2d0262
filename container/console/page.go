package console

import (
	"embed"
	"net/http"
)

//go:embed page
var page embed.FS

// types are those of the page's files: what the system says of them may be wrong.
var types = map[string]string{
	"index.html":  "text/html; charset=utf-8",
	"console.css": "text/css; charset=utf-8",
	"console.js":  "text/javascript; charset=utf-8",
	"icon.svg":    "image/svg+xml",
}

func servePage(w http.ResponseWriter, _ *http.Request) { serve(w, "index.html") }

func serveFile(w http.ResponseWriter, r *http.Request) { serve(w, r.PathValue("file")) }

func serve(w http.ResponseWriter, file string) {
	kind, known := types[file]
	body, err := page.ReadFile("page/" + file)
	if !known || err != nil {
		refuse(w, http.StatusNotFound, "there is nothing of that name")
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body)
}
