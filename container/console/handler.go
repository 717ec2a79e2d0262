package console

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/cladgo/clad/container"
)

// Handler serves the console of an orchestrator, at the root of where it is mounted:
// below a prefix, by http.StripPrefix. It observes the orchestrator from now on, until
// that is closed, so there should be one for each. It is safe for use by many
// goroutines; streams end when their server is shut down.
//
//	GET  /                            the page
//	GET  /api/state                   a State
//	GET  /api/history                 a History
//	GET  /api/profile                 a Profile
//	GET  /api/events                  a stream of server-sent events
//	POST /api/circuit_breakers/{name} a BreakerCommand; a CircuitBreaker
//	POST /api/rate_limiters/{name}    a LimiterCommand; a RateLimiter
//
// A slash in a name is escaped, as %2F.
func Handler(o *container.Orchestrator, opts ...Option) http.Handler {
	c := newConsole(o, opts)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("GET /{file}", serveFile)
	mux.HandleFunc("GET /api/state", c.serveState)
	mux.HandleFunc("GET /api/history", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, c.recorder.history()) })
	mux.HandleFunc("GET /api/profile", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, c.fullProfile()) })
	mux.HandleFunc("GET /api/events", c.serveEvents)
	mux.HandleFunc("POST /api/circuit_breakers/{name}", c.steerBreaker)
	mux.HandleFunc("POST /api/rate_limiters/{name}", c.steerLimiter)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if r.URL.Path == "" { // mounted without a slash: relative addresses would lead elsewhere
			asked, _, _ := strings.Cut(r.RequestURI, "?")
			w.Header().Set("Location", "./"+path.Base(asked)+"/")
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// secure sets what browsers are to be strict about.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// console is what is behind a handler.
type console struct {
	o        *container.Orchestrator
	settings settings
	log      *eventLog
	recorder *recorder
	controls *controls
	streams  streams
	origins  *http.CrossOriginProtection

	telling sync.Mutex // held while something is told to the streams
	told    told

	mu      sync.Mutex // guards what follows
	closed  bool
	ticking *time.Timer
	soon    *time.Timer // nil where nothing is about to be told
}

func newConsole(o *container.Orchestrator, opts []Option) *console {
	c := &console{o: o, origins: http.NewCrossOriginProtection()}
	c.settings = settings{
		profile:  func() Profile { return Profile{} },
		dryRun:   func() *DryRun { return dryRunOf(o) },
		describe: func(err error) string { return redact(err.Error()) },
	}
	for _, opt := range opts {
		opt.apply(&c.settings)
	}
	c.log = newEventLog(c.settings.describe)
	c.log.changed = c.tellSoon
	c.controls = &controls{log: c.log}
	c.recorder = newRecorder(o)
	c.mu.Lock()
	c.ticking = time.AfterFunc(step, c.tick)
	c.mu.Unlock()
	o.Observe(container.Observer{Event: c.log.event, Completed: c.recorder.completed, Closed: c.close})
	return c
}

// close ends everything that goes on by itself.
func (c *console) close() {
	c.mu.Lock()
	c.closed = true
	c.ticking.Stop()
	if c.soon != nil {
		c.soon.Stop()
	}
	c.mu.Unlock()
	c.telling.Lock() // until what is being told has been
	defer c.telling.Unlock()
	c.controls.close()
	c.streams.close()
}

// tick ends a step, and tells of it.
func (c *console) tick() {
	c.tell(func() (uint64, map[string]Point) { return c.recorder.next(c.log) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.ticking.Reset(step)
	}
}

// tellSoon has what changed told of, without waiting for the next step.
func (c *console) tellSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.soon != nil {
		return
	}
	c.soon = time.AfterFunc(promptly, func() {
		c.mu.Lock()
		c.soon = nil
		c.mu.Unlock()
		c.tell(func() (uint64, map[string]Point) { return 0, nil })
	})
}

// promptly is how long changes are gathered before they are told of.
const promptly = 50 * time.Millisecond

func (c *console) serveState(w http.ResponseWriter, r *http.Request) {
	s := c.state()
	s.Controls = c.controlsFor(r)
	answer(w, http.StatusOK, s)
}

func (c *console) controlsFor(r *http.Request) *Controls {
	if c.settings.who == nil {
		return &Controls{}
	}
	name, ok := c.settings.who(r)
	if !ok {
		return &Controls{}
	}
	return &Controls{Allowed: true, Name: cut(plain(name), maxText)}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has gone needs no answer
}

func refuse(w http.ResponseWriter, status int, why string) { answer(w, status, Failure{why}) }
