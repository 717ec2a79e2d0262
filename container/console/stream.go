package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	// MaxStreams is how many may follow the events at a time.
	MaxStreams = 256
	maxBehind  = 8                // messages that one may be behind
	patience   = 10 * time.Second // for one message to be taken
)

// streams are those who follow.
type streams struct {
	mu      sync.Mutex
	all     map[*stream]bool
	servers map[*http.Server]bool // which say when they are shut down
	over    bool
}

// stream is one who follows. Closing its messages ends it.
type stream struct {
	messages chan []byte // nobody but streams writes to it, under the lock
	server   *http.Server
}

// open returns nil where there are too many already, or the end has come.
func (s *streams) open(server *http.Server) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || len(s.all) >= MaxStreams {
		return nil
	}
	if server != nil && !s.servers[server] {
		server.RegisterOnShutdown(func() { s.shutdown(server) })
		if s.servers == nil {
			s.servers = make(map[*http.Server]bool)
		}
		s.servers[server] = true
	}
	if s.all == nil {
		s.all = make(map[*stream]bool)
	}
	opened := &stream{make(chan []byte, maxBehind), server}
	s.all[opened] = true
	return opened
}

func (s *streams) end(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(one)
}

func (s *streams) drop(one *stream) {
	if s.all[one] {
		delete(s.all, one)
		close(one.messages)
	}
}

func (s *streams) shutdown(server *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		if one.server == server {
			s.drop(one)
		}
	}
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for one := range s.all {
		s.drop(one)
	}
}

func (s *streams) some() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) > 0
}

// send hands a message to all. Who is too far behind is dropped, never waited for.
func (s *streams) send(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		select {
		case one.messages <- message:
		default:
			s.drop(one)
		}
	}
}

// message is an event as it goes over the wire.
func message(event string, body any) []byte {
	var b bytes.Buffer
	b.WriteString("event: " + event + "\ndata: ")
	_ = json.NewEncoder(&b).Encode(body) // on one line, which it ends
	b.WriteByte('\n')
	return b.Bytes()
}

// told is what the streams have been told, so that they are told only of what is new.
type told struct {
	entry     uint64
	shape     uint64
	services  map[string]string
	parts     map[string]Partitions
	breakers  map[string]CircuitBreaker
	limiters  map[string]RateLimiter
	bulkheads map[string]Bulkhead
}

// tell tells the streams what is new; next says which step is over, if one is.
func (c *console) tell(next func() (uint64, map[string]Point)) {
	c.telling.Lock()
	defer c.telling.Unlock()
	sequence, points := next()
	if !c.streams.some() {
		return
	}
	s := c.state()
	if shape := s.shape(); shape != c.told.shape {
		c.told.shape = shape
		c.streams.send(message(EventState, s))
	}
	if entries := c.log.after(c.told.entry); len(entries) > 0 {
		c.told.entry = entries[len(entries)-1].ID
		c.streams.send(message(EventLog, entries))
	}
	t := Tick{
		At: s.At, Ready: s.Ready, Sequence: sequence, Points: points, Totals: s.Totals,
		Reloads: s.Reloads, Profile: s.Profile, DryRun: s.DryRun,
	}
	if sequence > 0 {
		t.Operations = c.busy(&s)
	}
	c.tellServices(&t, s.Services)
	t.CircuitBreakers, c.told.breakers = changed(s.CircuitBreakers, c.told.breakers, func(b CircuitBreaker) string { return b.Name })
	t.RateLimiters, c.told.limiters = changed(s.RateLimiters, c.told.limiters, func(l RateLimiter) string { return l.Name })
	t.Bulkheads, c.told.bulkheads = changed(s.Bulkheads, c.told.bulkheads, func(b Bulkhead) string { return b.Name })
	c.streams.send(message(EventTick, t))
}

// tellServices adds to a tick how those services are that have changed.
func (c *console) tellServices(t *Tick, services []Service) {
	t.Services, t.Partitions = make(map[string]string), make(map[string]Partitions)
	states, parts := make(map[string]string, len(services)), make(map[string]Partitions)
	for _, service := range services {
		states[service.Name] = service.State
		if c.told.services[service.Name] != service.State {
			t.Services[service.Name] = service.State
		}
		if service.Partitions == nil {
			continue
		}
		parts[service.Name] = *service.Partitions
		if before, there := c.told.parts[service.Name]; !there || !equal(before, *service.Partitions) {
			t.Partitions[service.Name] = *service.Partitions
		}
	}
	c.told.services, c.told.parts = states, parts
}

// busy lists the operations of which something happened of late.
func (c *console) busy(s *State) []Operation {
	var all []Operation
	add := func(o Operation) {
		if c.recorder.busy(o.ID) {
			all = append(all, o)
		}
	}
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	for _, service := range s.Services {
		for _, m := range service.Methods {
			add(m.Operation)
		}
	}
	for _, o := range s.Operations {
		add(o)
	}
	return all
}

// changed returns what is not as it was before, and all as it is.
func changed[T any](now []T, before map[string]T, name func(T) string) (differ []T, all map[string]T) {
	all = make(map[string]T, len(now))
	for _, one := range now {
		was, there := before[name(one)]
		if !there || !equal(was, one) {
			differ = append(differ, one)
		}
		all[name(one)] = one
	}
	return differ, all
}

func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// serveEvents streams what happens, from what there is now.
func (c *console) serveEvents(w http.ResponseWriter, r *http.Request) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	one := c.streams.open(server)
	if one == nil {
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "there are as many streams as there may be, or the application stops")
		return
	}
	defer c.streams.end(one)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for proxies that gather answers
	out := http.NewResponseController(w)
	write := func(message []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(patience)) // not every writer can
		_, err := w.Write(message)
		return err == nil && out.Flush() == nil
	}
	s := c.state()
	s.Controls = c.controlsFor(r)
	if !write(message(EventState, s)) || !write(message(EventHistory, c.recorder.history())) ||
		!write(message(EventLog, c.log.after(0))) {
		return
	}
	for {
		select {
		case next, more := <-one.messages:
			if !more || !write(next) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
