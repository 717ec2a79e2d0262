//go:build unix

package regular_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/internal/regular"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// To open a pipe waited for a writer for ever, and a device was read until the
// memory was gone.
func TestReadFileRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"device": "/dev/zero", "to-pipe": "pipe", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, want := range map[string]string{
		"pipe": "a pipe", "to-pipe": "a pipe", "directory": "a directory", "device": "a device", "socket": "a socket",
		"loop": "too many levels", "nowhere": "no such file",
	} {
		_, err := regular.ReadFile(os.DirFS(dir), name, 1<<10)
		var at *fs.PathError
		if !errors.As(err, &at) || at.Path != name || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want its name and %q", name, err, want)
		}
		if refused := strings.HasPrefix(want, "a "); errors.Is(err, regular.ErrNotRegular) != refused {
			t.Errorf("%s: %v; is it ErrNotRegular? %v wanted", name, err, refused)
		}
	}
}

func TestReadFileIsBounded(t *testing.T) {
	fsys := fstest.MapFS{"fits": {Data: make([]byte, 1<<10)}, "large": {Data: make([]byte, 1<<10+1)}}
	if text, err := regular.ReadFile(fsys, "fits", 1<<10); err != nil || len(text) != 1<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	_, err := regular.ReadFile(fsys, "large", 1<<10)
	if want := "read large: it is larger than 1 KiB"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}
