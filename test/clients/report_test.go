package clients

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite docs/clients.md with what is seen")

const page = "../../docs/clients.md"

// TestMain writes down, or compares, what all tests saw.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 {
		code = seen.end()
	}
	if code == 0 {
		if err := goleak.Find(leaks...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// leaks are goroutines that clients leave behind for good.
var leaks []goleak.Option

// A family is the clients of one server, in one part of the page.
type family struct {
	title string
	intro string

	mu   sync.Mutex
	rows []row
	ways []way
}

// row is what a client says in one situation.
type row struct{ client, situation, says, means, effect string }

// way is how a client behaves, whatever it says.
type way struct{ client, deadline, cancellation, retries, set string }

// meets notes the error that a client met in a situation, and checks what clad
// makes of it.
func (f *family) meets(t *testing.T, client, situation string, err error, want verdict.Meaning) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: %s: no error", client, situation)
		return
	}
	if got := verdict.Of(err); got != want {
		t.Errorf("%s: %s: %T %q means %+v, want %+v", client, situation, root(err), err, got, want)
	}
	effect := "may have happened"
	if want.NoEffect {
		effect = "none"
	}
	means := want.Verdict.String()
	switch {
	case want.Verdict == policy.Unknown:
		means = "not known: failed"
	case want.Verdict != policy.Failed:
		effect = "none"
	case want.Neutral:
		means += ", not counted"
	case want.Final:
		means += ", not retried"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, row{version(client), situation, fmt.Sprintf("`%T`: %s", root(err), printed(err)), means, effect})
}

// behaves notes how a client takes deadlines and cancellations, how often it tries
// by itself, and what to set.
func (f *family) behaves(client string, w way) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.client = version(client)
	f.ways = append(f.ways, w)
}

// root is the error that says what happened, below what only adds words.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !envelope.MatchString(fmt.Sprintf("%T", err)) {
			return err
		}
		err = inner
	}
}

var envelope = regexp.MustCompile(`^\*(fmt\..*|url\.Error|smithy\.OperationError|(http|s3shared)\.ResponseError|http\.RequestSendError)$`)

var volatile = []struct{ re, with string }{
	{`(127\.0\.0\.1|\[::1\]):\d+`, "host:port"},
	{`https response error |RequestID: \S*, HostID: \S*, `, ""},
	{`\b\d+(\.\d+)?(µs|ms|s)\b`, "…"},
	{`\[-\d+\]`, "[…]"},
	{`[0-9a-f]{32,}|\d{10,}`, "…"},
	// The server of gRPC keeps the deadline too; which of both ends the call, a race decides.
	{`(code = DeadlineExceeded desc = )stream terminated by RST_STREAM with error code: CANCEL`, "${1}context deadline exceeded"},
}

// printed is an error's text, without what differs from run to run.
func printed(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, v := range volatile {
		text = regexp.MustCompile(v.re).ReplaceAllString(text, v.with)
	}
	if len(text) > 110 {
		text = text[:107] + "..."
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

// version adds to the path of a client's module the version that is used.
func version(module string) string {
	short := majorVersion.ReplaceAllString(strings.TrimPrefix(module, "github.com/"), "")
	v, _, _ := strings.Cut(versions()[module], "-0.")
	v = commit.ReplaceAllString(v, "$1")
	return short + " " + strings.TrimPrefix(v, "v")
}

var (
	majorVersion = regexp.MustCompile(`/v\d+$`)
	commit       = regexp.MustCompile(`^v0\.0\.0-(\d{8}).*`) // of a module without versions: its day
)

// versions are those of the modules that are used, by their paths.
var versions = sync.OnceValue(func() map[string]string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all").Output()
	if err != nil {
		panic(fmt.Errorf("go list -m all: %w", err))
	}
	all := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if path, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[path] = v
		}
	}
	return all
})

// part renders a family's part of the page.
func (f *family) part() string {
	slices.SortFunc(f.rows, func(a, b row) int {
		return strings.Compare(a.situation+a.client+a.says, b.situation+b.client+b.says)
	})
	slices.SortFunc(f.ways, func(a, b way) int { return strings.Compare(a.client, b.client) })
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", f.title, f.intro)
	if len(f.rows) > 0 {
		b.WriteString("\n| situation | client | its error | means | effect |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, r := range f.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.situation, r.client, r.says, r.means, r.effect)
	}
	if len(f.ways) > 0 {
		b.WriteString("\n| client | hears a deadline | hears a cancellation | tries by itself | set |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, w := range f.ways {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", w.client, w.deadline, w.cancellation, w.retries, w.set)
	}
	return b.String()
}

// pageOf is the whole page, in the order of its families.
type pageOf []*family

const head = `# What clients say, and what it means

What a client's error means decides whether it is retried and whether a circuit breaker counts it. clad knows these clients out of the box, for every pipeline, without importing them. A policy's [errors](policies.md), ` + "`container.Answers` and `container.Judge`" + ` come before what stands here.

- **answered**: the dependency worked, and said no. Not retried, a success to a breaker.
- **failed**: retried, and counted. *not counted*: it says nothing of the dependency as a whole; *not retried*: no attempt can help.
- **refused**: nobody was asked, or no attempt can help. Neither retried nor counted.
- **effect**: where there was certainly *none*, also what is not safe to repeat (` + "`//clad:once`" + `) is tried again. It is said of the client's last attempt: turn off those that it makes by itself. Of errors beside each other (` + "`errors.Join`" + `) all have to say so.

Errors are told by what only their client says: a type, a code, a text with its own name. One that is made by ` + "`errors.New`" + ` and says no more than "not found", "not Connected" or "client closed" may be anybody's, also of one who has sent something before, so it is left to you: *not known: failed*. Name the client's own value where you tag it, ` + "`container.Answers(gocql.ErrNotFound)`" + `, or in a policy, ` + "`errors: {answers: [gocql.ErrNotFound]}`" + `; of a client that your program has closed, or uses in a wrong way, ` + "`container.Judge`" + ` can say policy.Refused by ` + "`errors.Is`" + `. ` + "`clad check`" + ` notes where that is called for.

This page is written by tests that run the clients against real servers (` + "`make clients`" + `). How to wrap them: [NATS](recipes/nats.md), [RabbitMQ](recipes/amqp.md), [Kafka](recipes/kafka.md), [MongoDB](recipes/mongo.md), [S3](recipes/s3.md).
`

// told is what a line of a table must go on saying: which client, in what situation,
// and what that means. How the error reads may be decided by a race: whether a
// connection was seen to end or to be reset.
func told(line string) string {
	columns := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|")
	if len(columns) != 7 {
		return line
	}
	return strings.Join(append(columns[:3:3], columns[4:]...), "|")
}

func (p pageOf) end() int {
	var missing int
	old, err := os.ReadFile(page)
	if err != nil && !*update {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	said := make(map[string]bool)
	for line := range strings.Lines(string(old)) {
		said[told(line)] = true
	}
	var b strings.Builder
	b.WriteString(head)
	for _, f := range p {
		part := f.part()
		if len(f.rows) == 0 { // its tests did not run
			part = sectionOf(string(old), f.title)
		}
		b.WriteString("\n" + part)
		for line := range strings.Lines(part) {
			if !*update && strings.HasPrefix(line, "|") && !said[told(line)] {
				fmt.Fprintf(os.Stderr, "docs/clients.md does not say (run make clients):\n\t%s", line)
				missing++
			}
		}
	}
	if missing > 0 {
		return 1
	}
	if *update {
		if err := os.WriteFile(filepath.FromSlash(page), []byte(b.String()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// sectionOf returns a family's part of a page.
func sectionOf(page, title string) string {
	for _, section := range strings.Split(page, "\n## ")[1:] {
		if strings.HasPrefix(section, title+"\n") {
			return "## " + strings.TrimSuffix(section, "\n") + "\n"
		}
	}
	return ""
}

// took is how long f takes, as the page says it.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// heard tells of a call that was to end after want, and took so long.
func heard(took, want time.Duration) string {
	if took < want+want/2+200*time.Millisecond {
		return "yes"
	}
	return fmt.Sprintf("after %.0f s", took.Seconds())
}

type meaning = verdict.Meaning

// What errors mean, mostly.
var (
	conflicts = verdict.Meaning{Verdict: policy.Failed, Neutral: true}
	hopeless  = verdict.Meaning{Verdict: policy.Failed, NoEffect: true, Final: true}
	answered  = verdict.Meaning{Verdict: policy.Answered}
	refused   = verdict.Meaning{Verdict: policy.Refused, NoEffect: true}
	mistaken  = verdict.Meaning{Verdict: policy.Refused}
	failed    = verdict.Meaning{Verdict: policy.Failed}
	unmade    = verdict.Meaning{Verdict: policy.Failed, NoEffect: true}
	waited    = verdict.Meaning{Verdict: policy.Failed, NoEffect: true, Neutral: true}
	unknown   = verdict.Meaning{}
)
