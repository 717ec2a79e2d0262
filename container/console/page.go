package console

import (
	"embed"
	"net/http"
	"path"
)

//go:embed page
var page embed.FS

// types are those of the page's files: what the system says of them may be wrong.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func servePage(w http.ResponseWriter, _ *http.Request) { serve(w, "index.html") }

func serveFile(w http.ResponseWriter, r *http.Request) { serve(w, r.PathValue("file")) }

func serve(w http.ResponseWriter, file string) {
	kind := types[path.Ext(file)]
	body, err := page.ReadFile("page/" + file)
	if kind == "" || err != nil {
		refuse(w, http.StatusNotFound, "there is nothing of that name")
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body)
}
