// Package watch notices that files of a directory have changed, however they
// were saved: written in place, truncated and written, renamed over, put in
// place by swapping a link as Kubernetes does, or deleted and brought back,
// alone or with their directory.
//
// Events of the file system only say when to look. What counts is the content:
// it is read, and compared with what was there before.
package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"time"

	"github.com/cladgo/clad/internal/regular"
)

// Directory is a directory whose files are watched.
type Directory struct {
	// Files are the files that are compared: those directly in it.
	Files fs.FS
	// Path is where the directory is on disk. It is empty where Files is no
	// directory on disk: then there are no events, and looking every Poll is
	// all that notices a change.
	Path string
	// Match chooses the files, by name.
	Match func(name string) bool
	// Quiet is how long files must be left alone before they are taken for
	// complete. It must be positive.
	Quiet time.Duration
	// Poll is how often to look in any case, for file systems that send no
	// events. It must be positive.
	Poll time.Duration
	// Trouble, if not nil, is told why there are no events, once until there
	// are some again. Looking every Poll goes on.
	Trouble func(error)
}

// Snapshot stands for the names and the contents of the files at one moment:
// two are equal if these are. A file or a directory that can't be read is part
// of it too, with the reason.
type Snapshot [sha256.Size]byte

// Look reads the files as they are now, perhaps in the middle of being written.
func (d Directory) Look() Snapshot {
	h := sha256.New()
	entries, err := fs.ReadDir(d.Files, ".")
	if err != nil {
		fmt.Fprintf(h, "no directory: %v", err)
	}
	for _, entry := range entries { // sorted by name
		if d.Match(entry.Name()) {
			d.include(h, entry.Name())
		}
	}
	return Snapshot(h.Sum(nil))
}

// maxFile bounds what is read of a file, in bytes. Nobody reads larger ones in
// full, so what changes in them makes no difference.
const maxFile = 2 << 20

// include adds a file to the hash, in a way that no other files give the same
// input: the name and the length come first.
func (d Directory) include(h hash.Hash, name string) {
	content, err := regular.ReadFile(d.Files, name, maxFile)
	if err != nil {
		_, _ = io.WriteString(h, fmt.Sprintf("%q unreadable: %q", name, err))
		return
	}
	fmt.Fprintf(h, "%q %d:", name, len(content))
	h.Write(content)
}

// restless is for how many times Quiet the files may change before Settled gives
// up.
const restless = 100

// ErrRestless says that the files change all the time.
var ErrRestless = errors.New("the files keep changing")

// Settled returns what is there once it has stayed the same for Quiet. If the
// context ends first, the error is the context's, and [ErrRestless] if the files
// change a hundred times as long.
func (d Directory) Settled(ctx context.Context) (Snapshot, error) {
	timer := time.NewTimer(d.Quiet)
	defer timer.Stop()
	last := d.Look()
	for range restless {
		select {
		case <-ctx.Done():
			return Snapshot{}, ctx.Err()
		case <-timer.C:
		}
		now := d.Look()
		if now == last {
			return now, nil
		}
		last = now
		timer.Reset(d.Quiet)
	}
	return Snapshot{}, fmt.Errorf("%w: they were not left alone for %v at a time", ErrRestless, d.Quiet)
}
