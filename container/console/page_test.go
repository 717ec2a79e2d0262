package console_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

func ask(t *testing.T, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func TestWhatIsServed(t *testing.T) {
	o := shop(t)
	h := console.Handler(o)
	for _, test := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/console.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/console.css", 200, "text/css; charset=utf-8"},
		{"GET", "/icon.svg", 200, "image/svg+xml"},
		{"GET", "/api/state", 200, "application/json"},
		{"GET", "/api/history", 200, "application/json"},
		{"GET", "/api/profile", 200, "application/json"},
		{"POST", "/", 405, ""},
		{"DELETE", "/api/state", 405, ""},
		{"OPTIONS", "/api/circuit_breakers/bank", 405, ""},
		{"GET", "/page.go", 404, ""},
		{"GET", "/..%2Fpage.go", 404, ""},
		{"GET", "/%2e%2e/handler.go", 404, ""},
		{"GET", "/page", 404, ""},
		{"GET", "/api", 404, ""},
		{"GET", "/api/", 404, ""},
		{"GET", "/api/state/", 404, ""},
		{"POST", "/api/circuit_breakers/a/b", 404, ""},
		{"GET", "/console.js/", 404, ""},
	} {
		answer := ask(t, h, test.method, test.path)
		if answer.Code != test.status || test.kind != "" && answer.Header().Get("Content-Type") != test.kind {
			t.Errorf("%s %s: %d %s; want %d %s", test.method, test.path, answer.Code, answer.Header().Get("Content-Type"), test.status, test.kind)
		}
		csp := answer.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %v", test.method, test.path, answer.Header())
		}
		if answer.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s is for other sites", test.method, test.path)
		}
	}
	if n := len(o.CircuitBreakers()) + len(o.RateLimiters()); n != 2 {
		t.Errorf("%d breakers and limiters: looking made one", n)
	}
}

// The page asks nobody but the console, by addresses that are relative, holds no code
// of its own, and never reads what it shows as markup.
func TestThePageStandsAlone(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(src|href|import|from|url|fetch|EventSource)\s*[=(]?\s*["'(]\s*(https?:|//|/)`)
	inline := regexp.MustCompile(`(?i)<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+="|javascript:`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML|srcdoc`)
	files, err := fs.Glob(os.DirFS("page"), "*")
	if err != nil || len(files) < 10 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		text, err := os.ReadFile(path.Join("page", file))
		if err != nil {
			t.Fatal(err)
		}
		if found := outside.Find(text); found != nil {
			t.Errorf("%s: %s", file, found)
		}
		if found := markup.Find(text); found != nil {
			t.Errorf("%s: %s", file, found)
		}
		if strings.HasSuffix(file, ".html") {
			if found := inline.Find(text); found != nil {
				t.Errorf("%s: %s", file, found)
			}
		}
	}
}

// Without its slash, relative addresses would lead to another place.
func TestTheSlashIsAdded(t *testing.T) {
	h := http.StripPrefix("/debug/clad", console.Handler(shop(t)))
	for asked, want := range map[string]string{
		"/debug/clad":             "./clad/",
		"/debug/clad?x=//evil/#y": "./clad/",
	} {
		answer := ask(t, h, http.MethodGet, asked)
		if answer.Code != http.StatusMovedPermanently || answer.Header().Get("Location") != want {
			t.Errorf("%s: %d %s", asked, answer.Code, answer.Header().Get("Location"))
		}
	}
	if answer := ask(t, h, http.MethodGet, "/debug/clad/"); answer.Code != http.StatusOK {
		t.Errorf("status %d", answer.Code)
	}
}

func TestPoliciesAreShownWithWhereTheyComeFrom(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2}},
		Policies: map[string]policy.Policy{
			"guarded": policy.Combine(policy.Timeout(5e9), policy.CircuitBreaker{Name: "bank"}), "bare": policy.None{},
		},
		Services: map[string]policy.Service{"shop.Store": {Policy: "guarded", Critical: true, Methods: map[string]string{"Close": "none"}}},
	})
	var got console.Profile
	get(t, console.Handler(o), "/api/profile", &got)
	values := map[string]string{}
	for _, s := range got.Settings {
		values[strings.Join(s.Path, " ")] = s.Value
		if s.Origin != "code" {
			t.Errorf("%v is from %s", s.Path, s.Origin)
		}
	}
	for path, want := range map[string]string{
		"policies guarded 1": "timeout(5s)", "policies bare": "none",
		"services shop.Store policy": "guarded", "services shop.Store critical": "true", "services shop.Store methods Close": "none",
	} {
		if !strings.EqualFold(values[path], want) {
			t.Errorf("%s is %q, want %q", path, values[path], want)
		}
	}
	if !strings.Contains(values["circuit_breakers bank"], "2") {
		t.Errorf("%q", values["circuit_breakers bank"])
	}

	said := console.Profile{ProfileStatus: console.ProfileStatus{Name: "production", Error: "a\nb\x1b[31m"}, Settings: []console.Setting{{Path: []string{"a"}, Value: "1", Origin: "f.yaml:1:2"}}}
	h := console.Handler(o, console.WithProfile(func() console.Profile { return said }))
	get(t, h, "/api/profile", &got)
	if got.Name != "production" || got.Error != "a b[31m" || len(got.Settings) != 1 || got.Settings[0].Origin != "f.yaml:1:2" {
		t.Errorf("%+v", got)
	}
	if p := stateOf(t, h).Profile; p.Name != "production" {
		t.Errorf("%+v", p)
	}
}

// A console of an orchestrator that is closed shows what there is, and does no more.
func TestAClosedOrchestratorIsShownToo(t *testing.T) {
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	h := console.Handler(o)
	if s := stateOf(t, h); !s.Ready {
		t.Errorf("%+v", s)
	}
	if answer := ask(t, h, http.MethodGet, "/api/events"); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", answer.Code)
	}
}
