package module

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/watch"
	"github.com/cladgo/clad/policy"
)

// Reloader puts the profile in force anew while the application runs. [New]
// provides it, whether or not it was asked to do so by itself with [WithReload].
// It is safe for use by many goroutines.
//
// A reload reads the whole profile and puts it in force in one step, or, if
// anything in it is wrong, not at all: then the last good one stays, and the
// next good one takes effect.
type Reloader struct {
	orchestrator *container.Orchestrator
	load         func() (profile, error)
	files        watch.Directory // its Files are nil where the policies were given in code
	log          *slog.Logger
	listeners    *listeners

	turn     chan struct{}  // full while a reload is being made, which guards:
	seen     watch.Snapshot // the files that were read last
	inForce  policy.Catalog
	mistakes map[string]bool // of the last reload, all logged
	// unrehearsed is why the last reload had no dry run, logged.
	unrehearsed string

	mu     sync.Mutex // guards:
	status ReloadStatus
	loaded *config.Profile // in force; nil where the policies were given in code

	watching struct { // set by start
		end   func()
		ended chan struct{}
	}
}

// ReloadStatus is how reloading went so far, for health and metrics.
type ReloadStatus struct {
	// Profile is the name of the profile in force.
	Profile string
	// LastSuccess is when the profile in force was read: by the last reload
	// that succeeded, else at startup.
	LastSuccess time.Time
	// LastFailure is when a reload last failed; zero if none has.
	LastFailure time.Time
	// Err is why the last reload failed; nil if it succeeded. While it is not
	// nil, what is in force is older than what the files say.
	Err error
	// Successes and Failures count reloads; startup is none.
	Successes, Failures uint64
}

// Outcome is how one reload ended.
type Outcome struct {
	// Profile is the name of the profile that is in force now.
	Profile string
	// At is when the reload ended.
	At time.Time
	// Err is nil if the profile is in force; else the last good one stays.
	// errors.As finds the config.Mistakes in it.
	Err error
	// Added, Changed and Removed list what differs from before, sorted, by
	// section and name: "policies.database", "rate_limiters.api-calls",
	// "services.payments.Gateway". All are empty if the reload failed.
	Added, Changed, Removed []string
}

func newReloader(o *options, started profile, orchestrator *container.Orchestrator) *Reloader {
	return &Reloader{
		orchestrator: orchestrator,
		load:         o.load,
		files:        o.watched(),
		log:          o.log,
		listeners:    &listeners{all: o.listeners, log: o.log},
		turn:         make(chan struct{}, 1),
		seen:         started.files,
		inForce:      started.catalog,
		status:       ReloadStatus{Profile: started.name, LastSuccess: started.at},
		loaded:       started.loaded,
	}
}

// Status returns how reloading went so far.
func (r *Reloader) Status() ReloadStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// errInCode is for those who want to reload what is in no file.
var errInCode = errors.New("the policies were given in code, by module.WithCatalog: there is no profile to reload")

// Reload reads the profile and puts it in force, also if its files are the same
// as before. It first waits until they have not changed for a moment, lest it
// reads one that is being written; the wait ends with ctx. The error says what
// is wrong with the profile, or that the wait ended.
func (r *Reloader) Reload(ctx context.Context) error { return r.reload(ctx, true) }

// reload is Reload, but may leave alone what did not change.
func (r *Reloader) reload(ctx context.Context, unchanged bool) error {
	if r.files.Files == nil {
		return fmt.Errorf("clad: %w", errInCode)
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return givenUp(ctx)
	}
	err := r.takeTurn(ctx, unchanged)
	<-r.turn
	r.listeners.tell()
	return err
}

func givenUp(ctx context.Context) error {
	return fmt.Errorf("clad: the profile was not reloaded: %w", context.Cause(ctx))
}

// takeTurn makes a reload. Of files that change while they are read, what was
// read may be neither the one nor the other; so they are read again, some times.
func (r *Reloader) takeTurn(ctx context.Context, unchanged bool) error {
	for range 10 {
		if !unchanged && r.files.Look() == r.seen {
			return nil
		}
		seen, err := r.files.Settled(ctx)
		switch {
		case ctx.Err() != nil:
			return givenUp(ctx)
		case err != nil:
			return r.unread(ctx, err)
		}
		p, err := r.read()
		if r.files.Look() != seen {
			continue
		}
		r.seen = seen
		if err != nil {
			return r.unread(ctx, err)
		}
		if err := r.orchestrator.Reload(p.catalog); err != nil {
			return r.failed(ctx, err)
		}
		r.rehearse(ctx, p.candidate)
		r.succeeded(ctx, p)
		return nil
	}
	return r.unread(ctx, watch.ErrRestless)
}

// unread is failed, where the orchestrator has not heard of it.
func (r *Reloader) unread(ctx context.Context, err error) error {
	err = r.failed(ctx, err)
	r.orchestrator.ReloadFailed(err)
	return err
}

// read loads the profile. No file may take down an application that runs.
func (r *Reloader) read() (p profile, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("reading the profile panicked: %v", cause)
		}
	}()
	return r.load()
}

func (r *Reloader) failed(ctx context.Context, err error) error {
	r.logMistakes(ctx, err)
	err = fmt.Errorf("clad: %w", err)
	now := time.Now()
	r.mu.Lock()
	r.status.Failures++
	r.status.LastFailure = now
	r.status.Err = err
	name := r.status.Profile
	r.mu.Unlock()
	r.listeners.add(Outcome{Profile: name, At: now, Err: err})
	return err
}

func (r *Reloader) succeeded(ctx context.Context, p profile) {
	now := time.Now()
	outcome := Outcome{Profile: p.name, At: now}
	outcome.compare(r.inForce, p.catalog)
	r.logSuccess(ctx, outcome, r.inForce)
	r.inForce, r.mistakes = p.catalog, nil
	r.mu.Lock()
	r.status.Profile = p.name
	r.status.LastSuccess = p.at
	r.loaded = p.loaded
	r.status.Err = nil
	r.status.Successes++
	r.mu.Unlock()
	r.listeners.add(outcome)
}
