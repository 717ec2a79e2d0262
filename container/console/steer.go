package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/container"
)

const (
	maxBody   = 4096 // bytes
	maxReason = 200  // characters
	maxFor    = 24 * time.Hour
	forever   = "forever"
)

// steerBreaker carries out a [BreakerCommand].
func (c *console) steerBreaker(w http.ResponseWriter, r *http.Request) {
	var asked BreakerCommand
	by, ok := c.mayAsk(w, r)
	if !ok {
		return
	}
	name := r.PathValue("name")
	b, ok := c.o.CircuitBreaker(name)
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no circuit breaker %q", shown(name)))
		return
	}
	if !read(w, r, &asked) {
		return
	}
	cmd := command{resource: b, name: b.Name(), by: by}
	err := errors.Join(cmd.mode(b, asked.Mode), cmd.because(asked.Reason), cmd.lasting(asked.For))
	if err != nil {
		refuse(w, http.StatusBadRequest, oneLine(err))
		return
	}
	c.controls.carry(cmd)
	answer(w, http.StatusOK, c.circuitBreaker(b))
}

// steerLimiter carries out a [LimiterCommand].
func (c *console) steerLimiter(w http.ResponseWriter, r *http.Request) {
	var asked LimiterCommand
	by, ok := c.mayAsk(w, r)
	if !ok {
		return
	}
	name := r.PathValue("name")
	l, ok := c.o.RateLimiter(name)
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no rate limiter %q", shown(name)))
		return
	}
	if !read(w, r, &asked) {
		return
	}
	cmd := command{resource: l, name: l.Name(), by: by}
	err := errors.Join(cmd.rate(l, asked), cmd.because(asked.Reason), cmd.lasting(asked.For))
	if err != nil {
		refuse(w, http.StatusBadRequest, oneLine(err))
		return
	}
	c.controls.carry(cmd)
	answer(w, http.StatusOK, c.rateLimiter(l))
}

// mayAsk reports whether a request may steer, and who asks; if not, it has answered.
func (c *console) mayAsk(w http.ResponseWriter, r *http.Request) (by string, ok bool) {
	if c.settings.who == nil {
		refuse(w, http.StatusForbidden, "the console is read-only: the application has not said who may steer, see console.AllowControls")
		return "", false
	}
	if err := c.origins.Check(r); err != nil {
		refuse(w, http.StatusForbidden, "the request comes from another site")
		return "", false
	}
	who := c.controlsFor(r)
	if !who.Allowed {
		refuse(w, http.StatusForbidden, "who asks may look, and not steer")
		return "", false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return "", false
	}
	return who.Name, true
}

// read decodes a body; if it can't, it has answered.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // not every writer can
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		switch _, end := d.Token(); {
		case errors.Is(end, io.EOF):
			return true
		case end != nil:
			err = end
		default:
			err = errors.New("there is more after the JSON object")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody))
	} else {
		refuse(w, http.StatusBadRequest, shown("the body is not what is wanted: "+err.Error()))
	}
	return false
}

const modes = "forced_open, disabled, automatic or reset"

// mode says how a breaker comes into a mode.
func (cmd *command) mode(b *container.CircuitBreaker, mode string) error {
	lasting := func(mode container.Mode, apply func()) {
		cmd.apply, cmd.undo = apply, b.Automatic
		cmd.still = func() bool { return b.Status().Mode == mode }
	}
	switch mode {
	case string(container.ModeForcedOpen):
		cmd.does = "forced open"
		lasting(container.ModeForcedOpen, b.ForceOpen)
	case string(container.ModeDisabled):
		cmd.does = "disabled, so that all calls pass,"
		lasting(container.ModeDisabled, b.Disable)
	case string(container.ModeAutomatic):
		cmd.does, cmd.apply = "made automatic", b.Automatic
	case "reset":
		cmd.does, cmd.apply = "reset, and so closed", b.Reset
	case "":
		return errors.New("mode is missing: it is " + modes)
	default:
		return fmt.Errorf("mode is %q; it must be %s", shown(mode), modes)
	}
	return nil
}

// rate says how a limiter comes to a rate.
func (cmd *command) rate(l *container.RateLimiter, asked LimiterCommand) error {
	switch asked.Mode {
	case modeAutomatic:
		cmd.does, cmd.apply = "made automatic", l.Automatic
		if asked.PerSecond != 0 || asked.Burst != 0 {
			return errors.New("an automatic limiter goes by its settings: leave out requests_per_second and burst")
		}
		return nil
	case modeOverridden:
	case "":
		return errors.New("mode is missing: it is overridden or automatic")
	default:
		return fmt.Errorf("mode is %q; it must be overridden or automatic", shown(asked.Mode))
	}
	want := l.Limit()
	want.RequestsPerSecond, want.Burst = asked.PerSecond, asked.Burst
	want.RequestsPerPeriod, want.Per = 0, 0
	if err := want.Validate(); err != nil || want.IsReference() {
		return fmt.Errorf("requests_per_second is %v and burst %d; the one must be above 0, the other not below", asked.PerSecond, asked.Burst)
	}
	want = want.WithDefaults()
	cmd.does = fmt.Sprintf("set to %v a second, %d at once,", want.RequestsPerSecond, want.Burst)
	cmd.apply = func() { _ = l.Override(want.RequestsPerSecond, want.Burst) }
	cmd.undo = l.Automatic
	cmd.still = func() bool {
		now := l.Limit()
		return l.Overridden() && now.RequestsPerSecond == want.RequestsPerSecond && now.Burst == want.Burst
	}
	return nil
}

func (cmd *command) because(reason string) error {
	cmd.reason = strings.TrimSpace(plain(reason))
	switch n := utf8.RuneCountInString(cmd.reason); {
	case n == 0:
		return errors.New("reason is missing: say in a few words why, for those who find it so")
	case n > maxReason:
		return fmt.Errorf("reason has %d characters; %d are enough", n, maxReason)
	}
	return nil
}

func (cmd *command) lasting(text string) error {
	if cmd.undo == nil {
		if cmd.apply != nil && text != "" {
			return errors.New("for says how long a breaker is forced open or disabled, or a limit another; leave it out")
		}
		return nil
	}
	cmd.lasts = DefaultFor
	switch text {
	case "":
	case forever:
		cmd.lasts = 0
	default:
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 || d > maxFor {
			return fmt.Errorf("for is %q; it must be a time such as 10m, up to 24h, or forever", shown(text))
		}
		cmd.lasts = d
	}
	return nil
}

func shown(text string) string { return cut(plain(text), maxText) }

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// Loopback is for [AllowControls] while developing: it lets those steer who are on
// this machine, by an address of this machine. Behind a proxy everybody seems to be,
// so what a proxy forwarded is refused as far as it says so; don't use it where
// others come.
func Loopback(r *http.Request) (name string, ok bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return "", false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return "", false
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	// A page of another name may have that lead here, and be of the same origin then.
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !addr.IsLoopback() {
		if !strings.EqualFold(host, "localhost") {
			return "", false
		}
	}
	return "somebody on this machine", true
}
