//go:build unix

package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cladgo/clad/config"
)

// Load waited for ever for somebody to write to a pipe, and read a device until
// there was no memory left.
func TestWhatIsNoFileIsRefused(t *testing.T) {
	for name, put := range map[string]func(at string) error{
		"a pipe":      func(at string) error { return syscall.Mkfifo(at, 0o600) },
		"a device":    func(at string) error { return os.Symlink("/dev/zero", at) },
		"a directory": func(at string) error { return os.Mkdir(at, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"test.yaml", "base.yaml"} {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "test.yaml"), []byte("{}"), 0o600); err != nil {
					t.Fatal(err)
				}
				at := filepath.Join(dir, file)
				if err := errors.Join(os.RemoveAll(at), put(at)); err != nil {
					t.Fatal(err)
				}
				_, err := config.Load(config.Dir(dir), "test", nil)
				wantError(t, err, "read "+file+": it is not a regular file but "+name)
				var unreadable *fs.PathError
				if !errors.As(err, &unreadable) || unreadable.Path != file {
					t.Errorf("%v does not say which file", err)
				}
			}
		})
	}
}
