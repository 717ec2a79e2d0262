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
	p := installPostgres(t)
	p.run(t, "initdb", "-D", p.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-N")
	p.start(t)
	return p
}

// standby starts a server that follows p, and takes no writes until it is promoted.
func (p *postgres) standby(t *testing.T) *postgres {
	t.Helper()
	s := installPostgres(t)
	s.run(t, "pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "postgres", "-D", s.data, "-R", "-X", "stream", "-c", "fast", "-N")
	s.start(t)
	return s
}

func (p *postgres) promote(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "promote")
}

// installPostgres prepares a place for a server, without its data.
func installPostgres(t *testing.T) *postgres {
	t.Helper()
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
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.data, "postmaster.pid")); err == nil {
			p.stop(t, "immediate")
		}
	})
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

// stop ends the server as a restart does ("fast": connections are told), or as a crash
// ("immediate").
func (p *postgres) stop(t *testing.T, mode string) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-m", mode, "-w", "stop")
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

// dsn leads to the server, or to that of several which takes writes.
func (p *postgres) dsn(others ...*postgres) string {
	hosts, ports := "127.0.0.1", strconv.Itoa(p.port)
	for _, other := range others {
		hosts, ports = hosts+",127.0.0.1", ports+","+strconv.Itoa(other.port)
	}
	return fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres sslmode=disable target_session_attrs=read-write", hosts, ports)
}

func (p *postgres) version(t *testing.T) string {
	t.Helper()
	return "PostgreSQL " + failover.Version(t, filepath.Join(p.bin, "postgres"), "--version")
}
