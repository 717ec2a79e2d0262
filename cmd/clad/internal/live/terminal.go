package live

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cladgo/clad/container/console"
	"golang.org/x/term"
)

// looks is how often the size of the terminal is looked at.
const looks = 200 * time.Millisecond

// IsTerminal reports whether somebody looks at a file and can press keys at another.
func IsTerminal(out, in *os.File) bool {
	return term.IsTerminal(int(out.Fd())) && term.IsTerminal(int(in.Fd()))
}

// answer is a state, or why there is none.
type answer struct {
	state *console.State
	err   error
}

// Run shows the screen on a terminal until somebody quits it or the context ends.
// Afterwards the terminal is as it was. A goroutine goes on reading keys: nothing can
// take it from there.
func (s *Screen) Run(ctx context.Context, c *Client, every time.Duration, out, in *os.File) error {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal: %w", err)
	}
	fmt.Fprint(out, "\x1b[?1049h\x1b[?25l\x1b[?7l") // another screen, without cursor, nothing wrapped
	defer func() {
		fmt.Fprint(out, "\x1b[?7h\x1b[?25h\x1b[?1049l")
		_ = term.Restore(int(in.Fd()), before)
	}()
	ctx, cancel := context.WithCancel(ctx)
	answers, asking := make(chan answer), make(chan struct{})
	go func() {
		defer close(asking)
		ask(ctx, c, every, answers)
	}()
	defer func() { cancel(); <-asking }()
	keys := make(chan string)
	go read(ctx, in, keys)
	look := time.NewTicker(looks)
	defer look.Stop()
	for {
		s.Width, s.Height, err = term.GetSize(int(out.Fd()))
		if err != nil || s.Width <= 0 || s.Height <= 0 {
			s.Width, s.Height = 80, 24
		}
		draw(out, s.Frame())
		width, height := s.Width, s.Height
	wait:
		select {
		case <-ctx.Done():
			return nil
		case a := <-answers:
			s.Show(a.state, a.err)
		case key, more := <-keys:
			if !more || s.Key(key) {
				return nil
			}
		case <-look.C:
			if w, h, err := term.GetSize(int(out.Fd())); err != nil || w == width && h == height {
				goto wait
			}
		}
	}
}

// ask asks for states, one after the other.
func ask(ctx context.Context, c *Client, every time.Duration, answers chan<- answer) {
	for {
		state, _, err := c.State(ctx)
		select {
		case answers <- answer{state, err}:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

// read reads keys until there are no more.
func read(ctx context.Context, in *os.File, keys chan<- string) {
	defer close(keys)
	var rest []byte
	buffer := make([]byte, 256)
	for {
		n, err := in.Read(buffer)
		if err != nil {
			return
		}
		var pressed []string
		pressed, rest = Keys(append(rest, buffer[:n]...))
		for _, key := range pressed {
			select {
			case keys <- key:
			case <-ctx.Done():
				return
			}
		}
	}
}

// draw writes a frame over the last one.
func draw(out *os.File, frame []string) {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range frame {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	fmt.Fprint(out, b.String())
}
