package sqltest_test

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cladgo/clad/internal/failover"
)

// mariadb is a MariaDB server of a test's own. Its user clad may do in the database
// test what it likes, and does not bypass read_only as root does.
type mariadb struct {
	dir, user string
	port      int
	cmd       *exec.Cmd
}

func newMariaDB(t *testing.T) *mariadb {
	t.Helper()
	if testing.Short() {
		t.Skip("a server takes seconds to make")
	}
	for _, program := range []string{"mariadb-install-db", "mariadbd"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, err.Error())
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mariadb{dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	_ = l.Close()
	if os.Getuid() == 0 {
		m.user = "--user=root"
	}
	install := exec.CommandContext(t.Context(), "mariadb-install-db", m.options("--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	t.Cleanup(m.kill)
	m.start(t)
	for _, statement := range []string{"CREATE DATABASE test", "CREATE USER clad", "GRANT ALL ON test.* TO clad"} {
		m.do(t, statement)
	}
	return m
}

func (m *mariadb) options(more ...string) []string {
	options := append([]string{"--no-defaults", "--datadir=" + filepath.Join(m.dir, "data")}, more...)
	if m.user != "" {
		options = append(options, m.user)
	}
	return options
}

// start returns when the server answers.
func (m *mariadb) start(t *testing.T) {
	t.Helper()
	m.cmd = exec.Command("mariadbd", m.options(fmt.Sprintf("--port=%d", m.port), "--bind-address=127.0.0.1",
		"--socket="+filepath.Join(m.dir, "socket"), "--pid-file="+filepath.Join(m.dir, "pid"),
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--skip-log-bin")...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	db := m.admin(t)
	defer func() { _ = db.Close() }()
	eventually(t, "MariaDB listens", func() bool { return db.PingContext(t.Context()) == nil })
}

func (m *mariadb) kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
	}
}

func (m *mariadb) dsn(user string) string {
	return fmt.Sprintf("%s@tcp(127.0.0.1:%d)/test", user, m.port)
}

func (m *mariadb) admin(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(127.0.0.1:%d)/", m.port))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (m *mariadb) do(t *testing.T, statement string) {
	t.Helper()
	db := m.admin(t)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (m *mariadb) version(t *testing.T) string {
	t.Helper()
	return "MariaDB " + failover.Version(t, "mariadbd", "--version")
}
