package browser

import (
	"testing"
	"time"

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
