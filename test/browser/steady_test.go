package browser

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// What is pressed is what is clicked, however much changes meanwhile.
func TestNothingMovesUnderAPressedPointer(t *testing.T) {
	a := startApp(t)
	a.customers(t)
	page := open(t, a.console)
	page.says(".entry", "payments.Gateway")
	page.do(script(`window.changes = 0; new MutationObserver((m) => { changes += m.length }).observe(document.getElementById("view-services"), { subtree: true, childList: true, characterData: true, attributes: true })`))
	page.until(`changes > 0`)

	page.do(script(`document.querySelector(".entry .row-name").dispatchEvent(new PointerEvent("pointerdown", { bubbles: true })); changes = 0`))
	// real time: the page has a clock of its own, and updates are two seconds apart
	time.Sleep(2500 * time.Millisecond)
	if n := eval[int](page, `changes`); n != 0 {
		t.Errorf("%d changes while the pointer was down", n)
	}
	page.do(script(`dispatchEvent(new PointerEvent("pointerup"))`))
	page.until(`changes > 0`)

	// A release that no browser tells of, as over an open list of choices, stops nothing.
	page.do(script(`dispatchEvent(new PointerEvent("pointerdown")); changes = 0`))
	page.until(`changes > 0`)
}

// An entry that stays is left where it is when others go: moved, it would lose its focus.
func TestWhatStaysKeepsItsFocus(t *testing.T) {
	a := startApp(t)
	page := open(t, a.console)
	page.do(chromedp.Evaluate[chromedp.Void](`import("./dom.js").then(({ el, keyed }) => {
		const rows = el("div");
		document.body.append(rows);
		const put = keyed(rows, (name) => ({ element: el("button", { id: "row-" + name }, name), update() {} }));
		put(["a", "b", "c"], (name) => name);
		document.getElementById("row-c").focus();
		put(["b", "c"], (name) => name);
		window.kept = [document.activeElement.id, rows.innerText];
		put(["c", "b", "d"], (name) => name);
		window.ordered = rows.textContent;
		rows.remove();
	})`, chromedp.EvalAwaitPromise))
	if got := eval[[]string](page, `kept`); got[0] != "row-c" {
		t.Errorf("the focus is at %q, want row-c", got[0])
	}
	if got := eval[string](page, `ordered`); got != "cbd" {
		t.Errorf("in the order %q, want cbd", got)
	}
}

// Whoever is about to click on a row finds it where it was, however bad others get.
func TestRowsStayWhileTheyArePointedAt(t *testing.T) {
	_, err := chromium()
	need(t, err)
	c := startCrowd(t, 6)
	page := open(t, c.console)
	page.until(`document.querySelectorAll("#view-services .entry").length === 6`)
	kinds := []string{"orders", "payments", "search", "users", "mail", "stock"}
	order := func() []string {
		names := eval[[]string](page, `[...document.querySelectorAll("#view-services .entry .name")].map((e) => e.textContent)`)
		for i, name := range names {
			names[i] = kinds[slices.IndexFunc(kinds, func(kind string) bool { return strings.Contains(name, kind) })]
		}
		return names
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if got := order(); !slices.Equal(got, want) {
			t.Errorf("%s the order is %v, want %v", when, got, want)
		}
	}
	settles := func(first string) {
		t.Helper()
		page.until(`document.querySelector("#view-services .entry .name").textContent.includes("` + first + `")`)
	}
	// down has a service fail so often, and waits for its row to say it.
	down := func(i, calls int, name string) {
		t.Helper()
		for range calls {
			_ = c.calls[i](t.Context(), true)
		}
		page.until(`[...document.querySelectorAll("#view-services .entry")].some((e) => e.querySelector(".name").textContent.includes("` + name + `") && e.querySelector(".badge").textContent === "down")`)
	}
	point := func(selector string) {
		t.Helper()
		at := eval[[]float64](page, `(() => { const e = document.querySelector("`+selector+`"); e.scrollIntoView({ block: "center" }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
		page.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	}

	point("#view-services .entry:nth-child(3)")
	page.until(`document.querySelector("#view-services .rows").matches(":hover")`)
	down(3, 3, "users")
	expect("under the pointer", "mail", "orders", "payments", "search", "stock", "users")
	point("#theme")
	settles("users")

	page.do(script(`document.querySelector("#view-services .row-name").focus()`))
	down(5, 30, "stock")
	expect("with the focus inside", "users", "mail", "orders", "payments", "search", "stock")
	page.do(script(`document.activeElement.blur()`))
	settles("stock")

	// To a browser a finger hovers where it touched last, long after it has gone.
	point("#view-services .entry:nth-child(3)")
	down(1, 60, "payments")
	expect("under the pointer", "stock", "users", "mail", "orders", "payments", "search")
	// Again and again: the browser's own pointer is over the rows, too, and says so when the page shifts.
	page.do(script(`window.touch = setInterval(() => document.querySelector("#view-services .row-name").dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "touch" })), 50)`))
	settles("payments")
	page.do(script(`clearInterval(touch)`))
	point("#theme")

	// What comes anew comes last; who asks for other rows has them sorted.
	page.do(script(`(() => { const s = document.querySelector("#view-services select"); s.value = "name"; s.dispatchEvent(new Event("change")); })()`))
	point("#view-services .entry:nth-child(1)")
	page.do(chromedp.KeyEvent("u"))
	page.until(`document.querySelectorAll("#view-services .entry").length === 3`)
	point("#view-services .entry:nth-child(1)")
	page.until(`document.querySelector("#view-services .rows").matches(":hover")`)
	down(4, 3, "mail")
	expect("with a new row", "payments", "stock", "users", "mail")
	page.do(chromedp.KeyEvent("u"))
	page.until(`document.querySelectorAll("#view-services .entry").length === 6`)
	expect("after a choice", "mail", "orders", "payments", "search", "stock", "users")
}
