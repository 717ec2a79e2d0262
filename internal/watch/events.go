package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// eventSource hears of changes in all places that decide what the directory
// holds. Those change themselves, when links are swapped or directories come
// and go; then it starts afresh, which is simpler and surer than to mend a
// watcher of which some watches have died.
type eventSource struct {
	directory Directory
	watcher   *fsnotify.Watcher // nil where there are no events
	places    places
	stale     bool // a watch has died, or could not be set
	troubled  bool // and Trouble knows
}

// named returns the channel of events, nil if there are none.
func (s *eventSource) named() <-chan fsnotify.Event {
	if s.watcher == nil {
		return nil
	}
	return s.watcher.Events
}

// lost returns the channel that says that events were lost, nil if there are none.
func (s *eventSource) lost() <-chan error {
	if s.watcher == nil {
		return nil
	}
	return s.watcher.Errors
}

// matters reports whether an event may be a change of what the directory holds.
func (s *eventSource) matters(event fsnotify.Event) bool {
	if _, watched := s.places[event.Name]; watched && event.Has(fsnotify.Remove|fsnotify.Rename) {
		s.stale = true
		return true
	}
	return s.places.matter(filepath.Dir(event.Name), filepath.Base(event.Name))
}

// renew has the right places watched.
func (s *eventSource) renew() {
	if s.directory.Path == "" {
		return
	}
	// The places may change while watches are being set. If they do so again
	// and again, there will be events, and a next time.
	for range 3 {
		now := placesOf(s.directory)
		if s.watcher != nil && !s.stale && now.equal(s.places) {
			return
		}
		s.restart(now)
		if s.stale {
			return
		}
	}
}

// restart watches the places given. One that is gone again will be another place
// next time, and one above the directory may be closed to us.
func (s *eventSource) restart(at places) {
	s.close()
	s.places, s.stale = at, false
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.fail(err)
		return
	}
	s.watcher = watcher
	for dir := range at {
		err := watcher.Add(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			s.fail(fmt.Errorf("%s: %w", dir, err))
			return
		}
	}
	s.troubled = false
}

func (s *eventSource) fail(err error) {
	s.stale = true
	if !s.troubled && s.directory.Trouble != nil {
		s.directory.Trouble(err)
	}
	s.troubled = true
}

func (s *eventSource) close() {
	if s.watcher != nil {
		_ = s.watcher.Close() // nothing can be done about it
		s.watcher = nil
	}
}
