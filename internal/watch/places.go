package watch

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// places are the directories on disk in which a change may alter what the
// watched one holds, by path.
type places map[string]*place

// place is one of them, and what in it matters.
type place struct {
	info os.FileInfo            // which directory it was
	all  func(name string) bool // not nil for the watched directory itself
	some map[string]bool        // entries on the way to it, and to the targets of links in it
}

// maxLinks is how many links a path may lead through; the system allows as many.
const maxLinks = 40

// placesOf finds them. Of the directories above, only the next one counts, and
// those with a link on the way: a higher one is rarely renamed, and looking
// from time to time notices that too.
func placesOf(d Directory) places {
	p := places{}
	dir, ok := p.follow(d.Path)
	if !ok {
		return p
	}
	p.at(dir).all = d.Match
	// What can be read of it. With the dot a pipe in its place is no directory;
	// without, it would be opened, and that waits for somebody who writes.
	entries, _ := os.ReadDir(dir + string(filepath.Separator) + ".")
	for _, entry := range entries {
		if d.Match(entry.Name()) && entry.Type()&os.ModeSymlink != 0 {
			p.follow(filepath.Join(dir, entry.Name()))
		}
	}
	return p
}

// follow resolves a path step by step, as the system does, and notes where it
// looks up a link, the end of the path, or something that is not there.
func (p places) follow(path string) (end string, ok bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false // there is no working directory any more
	}
	at, rest := split(path)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			p.at(at).some[name] = true
			return "", false
		}
		if info.Mode()&os.ModeSymlink == 0 {
			if len(rest) == 0 {
				p.at(at).some[name] = true
			}
			at = next
			continue
		}
		p.at(at).some[name] = true
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return "", false
		}
		if filepath.IsAbs(target) {
			root, steps := split(target)
			at, rest = root, append(steps, rest...)
		} else {
			rest = append(steps(target), rest...)
		}
	}
	return at, true
}

// split takes an absolute path apart: the root, and the steps from there.
func split(path string) (root string, rest []string) {
	volume := filepath.VolumeName(path)
	return volume + string(filepath.Separator), steps(path[len(volume):])
}

// steps lists the elements of a path. It must not be cleaned: after a link, ".."
// leads elsewhere than back.
func steps(path string) []string {
	all := strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	kept := all[:0]
	for _, step := range all {
		if step != "." {
			kept = append(kept, step)
		}
	}
	return kept
}

// at returns the place of a directory, with what it is now.
func (p places) at(dir string) *place {
	known, ok := p[dir]
	if !ok {
		info, _ := os.Lstat(dir) // nil if it is gone: then it will be another
		known = &place{info: info, some: map[string]bool{}}
		p[dir] = known
	}
	return known
}

// matter reports whether it matters what happens to an entry of a directory.
func (p places) matter(dir, name string) bool {
	known, ok := p[dir]
	return ok && (known.some[name] || known.all != nil && known.all(name))
}

// equal reports whether both are the same directories, with the same in them
// that matters.
func (p places) equal(other places) bool {
	return maps.EqualFunc(p, other, func(a, b *place) bool {
		return a.info != nil && b.info != nil && os.SameFile(a.info, b.info) &&
			(a.all == nil) == (b.all == nil) && maps.Equal(a.some, b.some)
	})
}
