package sqltest_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/cladgo/clad/internal/failover"
)

// postgres is a PostgreSQL server of a test's own.
type postgres struct {
	bin, data string
	port      int
	attr      *syscall.SysProcAttr // who it runs as
}

// newPostgres starts a server. It does not run as root, so root has it run as
// postgres.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	if testing.Short() {
		t.Skip("a server takes seconds to make")
	}
	p := &postgres{}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			installed = append(installed, path)
		}
	}
	if len(installed) == 0 {
		missing(t, "initdb is not installed")
	}
	p.bin = filepath.Dir(installed[0])
	dir, err := os.MkdirTemp("", "clad-postgres-") //nolint:usetesting // postgres may not enter the parents of a TempDir of root's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		owner, err := user.Lookup("postgres")
		if err != nil {
			missing(t, err.Error())
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		p.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	p.data = filepath.Join(dir, "data")
	p.run(t, "initdb", "-D", p.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-N")
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.data, "postmaster.pid")); err == nil {
			p.run(t, "pg_ctl", "-D", p.data, "-m", "immediate", "-w", "stop")
		}
	})
	p.start(t)
	return p
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off", p.port, filepath.Dir(p.data))
	p.run(t, "pg_ctl", "-D", p.data, "-l", filepath.Join(filepath.Dir(p.data), "log"), "-o", options, "-w", "start")
}

// stop ends the server as a restart does: connections are told.
func (p *postgres) stop(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-m", "fast", "-w", "stop")
}

func (p *postgres) run(t *testing.T, program string, args ...string) {
	t.Helper()
	// Not the test's context: the server outlives pg_ctl, and is to be stopped
	// after the test.
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir = p.attr, "/"
	if err := cmd.Run(); err != nil { // its output would be waited for until the server ends
		t.Fatalf("%s: %v", program, err)
	}
}

func (p *postgres) dsn() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.port)
}

func (p *postgres) version(t *testing.T) string {
	t.Helper()
	return "PostgreSQL " + failover.Version(t, filepath.Join(p.bin, "postgres"), "--version")
}
