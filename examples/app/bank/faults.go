package bank

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cladgo/clad/examples/app/jsonio"
)

// Faults is what goes wrong with charges and refunds. The zero value is nothing.
// Shares are from 0 (never) to 1 (always).
type Faults struct {
	// Outage drops every connection at once.
	Outage bool `json:"outage"`
	// Latency is the time before each answer. Who waits when the faults change
	// waits no longer.
	Latency Duration `json:"latency"`
	// ErrorRate is the share of requests answered with 503.
	ErrorRate float64 `json:"error_rate"`
	// ErrorEvery answers every n-th request with 503, as if one of n servers
	// were broken; 0 means none.
	ErrorEvery int `json:"error_every"`
	// ThrottleRate is the share answered with 429, and a Retry-After.
	ThrottleRate float64 `json:"throttle_rate"`
	// RetryAfter is what the 429s say, in whole seconds; 0 means 1s.
	RetryAfter Duration `json:"retry_after"`
	// DropRate is the share whose connection is dropped before anything is
	// done.
	DropRate float64 `json:"drop_rate"`
	// LostRate is the share that is carried out, and whose answer is lost:
	// the fault after which a careless retry pays twice.
	LostRate float64 `json:"lost_rate"`
	// Requests ends the faults after so many requests; 0 means never.
	Requests int `json:"requests"`
}

// Duration is written as "1.5s".
type Duration time.Duration

// MarshalText writes "1.5s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "1.5s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%.40q; want a number and a unit, as in 200ms or 1.5s", b)
	}
	*d = Duration(v)
	return nil
}

// validate returns all mistakes.
func (f Faults) validate() []jsonio.Mistake {
	var mistakes []jsonio.Mistake
	mistake := func(field, format string, args ...any) {
		mistakes = append(mistakes, jsonio.Mistake{Field: field, What: fmt.Sprintf(format, args...)})
	}
	for _, rate := range []struct {
		name  string
		share float64
	}{
		{"error_rate", f.ErrorRate}, {"throttle_rate", f.ThrottleRate},
		{"drop_rate", f.DropRate}, {"lost_rate", f.LostRate},
	} {
		if !(rate.share >= 0 && rate.share <= 1) {
			mistake(rate.name, "%v; it is a share, from 0 to 1", rate.share)
		}
	}
	if f.Latency < 0 {
		mistake("latency", "%v; it must not be negative", time.Duration(f.Latency))
	}
	if f.RetryAfter < 0 || time.Duration(f.RetryAfter)%time.Second != 0 {
		mistake("retry_after", "%v; want whole seconds, as the header has them", time.Duration(f.RetryAfter))
	}
	if f.ErrorEvery < 0 {
		mistake("error_every", "%d; it must not be negative", f.ErrorEvery)
	}
	if f.Requests < 0 {
		mistake("requests", "%d; it must not be negative", f.Requests)
	}
	return mistakes
}

// retryAfter is the value of the header.
func (f Faults) retryAfter() string {
	return strconv.Itoa(int(math.Max(1, time.Duration(f.RetryAfter).Seconds())))
}

// faults holds the present ones. The zero value has none.
type faults struct {
	mu      sync.Mutex
	present Faults
	asked   int           // since they were set
	changed chan struct{} // closed when others are set; nil until somebody asks
}

func (f *faults) get() Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present
}

func (f *faults) set(to Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.present, f.asked = to, 0
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// next returns the faults for one request, and what is closed when others are set.
func (f *faults) next() (now Faults, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	now = f.present
	if f.asked++; now.ErrorEvery > 0 && f.asked%now.ErrorEvery == 0 {
		now.ErrorRate = 1
	}
	if now.Requests > 0 {
		if f.present.Requests--; f.present.Requests == 0 {
			f.present = Faults{}
		}
	}
	return now, f.changed
}

func (b *Bank) showFaults(w http.ResponseWriter, _ *http.Request) {
	jsonio.Write(w, http.StatusOK, b.faults.get())
}

// setFaults replaces all faults; those left out end.
func (b *Bank) setFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	err := jsonio.Read(w, r, jsonio.Fields{
		"outage": &f.Outage, "latency": &f.Latency,
		"error_rate": &f.ErrorRate, "error_every": &f.ErrorEvery, "throttle_rate": &f.ThrottleRate, "retry_after": &f.RetryAfter,
		"drop_rate": &f.DropRate, "lost_rate": &f.LostRate, "requests": &f.Requests,
	})
	mistakes := f.validate()
	if malformed, ok := errors.AsType[*jsonio.MistakesError](err); ok {
		mistakes = append(malformed.Mistakes, mistakes...)
	}
	if len(mistakes) > 0 {
		jsonio.Write(w, http.StatusBadRequest, map[string]any{"error": "nothing was changed", "mistakes": mistakes})
		return
	}
	b.faults.set(f)
	jsonio.Write(w, http.StatusOK, f)
}
