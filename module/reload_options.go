package module

import (
	"fmt"
	"os"
	"time"

	"github.com/cladgo/clad/internal/profilename"
	"github.com/cladgo/clad/internal/watch"
)

// WithReload has the profile reloaded while the application runs: when its files
// change, however they are saved, and on SIGHUP, where there is that signal. A
// profile may ask for the same with "reload: true".
//
// Watching begins when the application starts and ends when it stops. Files of
// [WithFS] send no events, and are looked at from time to time; see
// [ReloadTiming]. Policies given in code ([WithCatalog]) can't be reloaded.
//
// Breakers and limiters that did not change keep their state, changed limits
// keep their tokens, and what the profile no longer names goes. A policy that a
// wrapped service still uses must stay. Named values of Fx stay as they were at
// startup: a reload adds none.
func WithReload() Option { return option(func(o *options) { o.reload = true }) }

// WithReloadListener has listen told of every reload, failed or not: in order,
// one at a time, and outside all locks. It should be quick: the next reload by
// itself waits for it, and so does the application's stop.
func WithReloadListener(listen func(Outcome)) Option {
	return option(func(o *options) { o.listeners = append(o.listeners, listen) })
}

// WithReloadTiming changes when changes are noticed. It does not turn reloading
// on.
func WithReloadTiming(t ReloadTiming) Option { return option(func(o *options) { o.timing = t }) }

// ReloadTiming says when changes of a profile are noticed. The zero value means
// the defaults; negative times are an error.
type ReloadTiming struct {
	// Quiet is how long the files must have been left alone before they are
	// read, so that none is read halfway. Default 100ms.
	Quiet time.Duration
	// Poll is how often to look at the files in any case, for file systems
	// that send no events. Default 5s.
	Poll time.Duration
}

const (
	defaultQuiet = 100 * time.Millisecond
	defaultPoll  = 5 * time.Second
)

func (t ReloadTiming) withDefaults() ReloadTiming {
	if t.Quiet == 0 {
		t.Quiet = defaultQuiet
	}
	if t.Poll == 0 {
		t.Poll = defaultPoll
	}
	return t
}

func (t ReloadTiming) validate() error {
	if t.Quiet < 0 || t.Poll < 0 {
		return fmt.Errorf("module.WithReloadTiming: Quiet is %v and Poll %v; neither may be negative (0 is the default)", t.Quiet, t.Poll)
	}
	return nil
}

// watched is where the profile is, for the watch; without Files if it is in code.
func (o *options) watched() watch.Directory {
	if o.catalog != nil {
		return watch.Directory{}
	}
	timing := o.timing.withDefaults()
	d := watch.Directory{
		Files: o.files(),
		Match: o.reads,
		Quiet: timing.Quiet,
		Poll:  timing.Poll,
		Trouble: func(err error) {
			o.log.Warn("changes of the profile are noticed by looking from time to time only", "every", timing.Poll, "reason", err)
		},
	}
	if o.fsys == nil {
		d.Path = o.dir
	}
	return d
}

// reads reports whether a file is one that the profile is made of. Others of the
// directory may change as they like.
func (o *options) reads(file string) bool {
	profile, ok := profilename.Of(file)
	if !ok || profile == profilename.Base {
		return ok
	}
	if shadow := o.shadowed.Load(); shadow != nil && profile == *shadow {
		return true
	}
	chosen, _ := profilename.Choose(o.profile, os.Environ())
	return profile == chosen
}
