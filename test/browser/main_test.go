package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screenshots is where they go; git ignores it.
var screenshots = filepath.Join("..", "..", "bin", "browser")

// need skips a test that lacks something, where that is no must.
func need(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("no Chromium is installed (Debian: chromium)")
}

// tab is a page of a browser of its own, which ends with the test.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// patience is how long a page may take for anything, on a busy machine.
const patience = 2 * time.Minute

// open opens an address. What the page says on its console, or a policy of the
// browser forbids it, fails the test.
func open(t *testing.T, address string) *tab {
	t.Helper()
	path, err := chromium()
	need(t, err)
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.WindowSize(1280, 1000), chromedp.WSURLReadTimeout(patience))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	page := &tab{t, ctx}
	page.run() // before a context with a deadline does: that would end the browser
	messages := chromedp.Console(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Type == "error") && t.Context().Err() == nil {
				t.Errorf("the browser complains: %s %s", m, m.URL)
			}
		}
	})
	t.Cleanup(func() { cancelTab(); listening.Wait() })
	page.do(chromedp.EmulateViewport(1280, 1000), chromedp.Navigate(address), chromedp.WaitVisible("#live.on"), chromedp.WaitVisible(".incidents, #verdict"))
	return page
}

type action = chromedp.Action[chromedp.Void]

func (p *tab) run() {
	p.t.Helper()
	if err := chromedp.Do(p.ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) do(actions ...action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// get returns what an action comes to.
func get[T any](p *tab, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, a)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// script runs one for what it does.
func script(text string) action { return chromedp.Evaluate[chromedp.Void](text) }

// eval returns what a script comes to.
func eval[T any](p *tab, text string) T {
	p.t.Helper()
	return get(p, chromedp.Evaluate[T](text, chromedp.EvalAwaitPromise))
}

// until waits for a script to come to true.
func (p *tab) until(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void](text, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0))
	if _, err := chromedp.Run(ctx, poll); err != nil {
		p.shot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
		p.t.Fatalf("waiting for %s: %v\nthe page says:\n%s", text, err, eval[string](p, "document.body.innerText.slice(0, 3000)"))
	}
}

// click clicks on the first of what is selected, once it is painted: what was just
// brought into view has no content until then (content-visibility), and the click would
// go to what is behind.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(selector))
	eval[bool](p, "new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => painted(true))))")
	p.do(chromedp.Click(selector))
}

// says waits for the page to say something.
func (p *tab) says(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.checkVisibility() && e.innerText.includes(%q))", selector, text))
}

// shot keeps a picture of the page.
func (p *tab) shot(name string) {
	p.t.Helper()
	picture := get(p, chromedp.CaptureScreenshot())
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// scheme has the system prefer "dark" or "light".
func scheme(prefers string) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: prefers}},
		})
		return err
	})
}

// phone is the width of a small one.
func phone() action { return chromedp.EmulateViewport(375, 812, chromedp.EmulateMobile) }

// accessible fails on what axe-core finds. Without that the rest of the test goes on.
func (p *tab) accessible(when string) {
	p.t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "..", "bin", "axe.min.js"))
	if err != nil {
		err = fmt.Errorf("%s: axe-core is not there, run make axe: %w", when, err)
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			p.t.Fatal(err)
		}
		p.t.Log(err)
		return
	}
	p.do(script(string(axe)))
	violations := eval[[]string](p, `axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + v.help + ": " + n.target.join(" ") + "\n" + n.failureSummary)))`)
	for _, v := range violations {
		p.t.Errorf("%s: %s", when, v)
	}
}
