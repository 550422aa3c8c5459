//go:build unix

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
	"github.com/hostlife/hostlife/internal/effort"
)

// withoutUI is what chromedp disables, and the suggestions of the address bar. Each window draws those,
// even without a screen, and that takes a quarter of a core.
const withoutUI = "site-per-process,Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"

// browser is a real one. It is started once, because that takes seconds of a core.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.WindowSize(1280, 1500), chromedp.WSURLReadTimeout(longWait),
		chromedp.Flag("disable-features", withoutUI))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root can't have
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	atEnd = append(atEnd, closeBrowser)
	return ctx, chromedp.Run(ctx)
})

// A tab is one of the browser, in a window of its own, and so never in the background.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func open(t *testing.T, url string) *tab {
	t.Helper()
	clitest.Needs(t, "chromium", "chromium")
	ctx, err := browser()
	require.NoError(t, err)
	id, err := target.CreateTarget("about:blank").WithNewWindow(true).
		Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
	require.NoError(t, err)
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithTargetID(id))
	t.Cleanup(cancel)
	tab := &tab{t: t, ctx: ctx}
	tab.do(chromedp.Navigate(url))
	return tab
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Run(b.ctx, actions...))
}

// eval returns what an expression of the page's own language is, as text.
func (b *tab) eval(expression string) (s string) {
	b.t.Helper()
	b.do(chromedp.Evaluate("String("+expression+")", &s))
	return s
}

// sees waits until an expression is what is wanted.
func (b *tab) sees(want, expression string) {
	b.t.Helper()
	var got string
	defer func() {
		if b.t.Failed() {
			b.t.Logf("%s is %q", expression, got)
		}
	}()
	eventually(b.t, want, func() bool {
		got = b.eval(expression)
		return got == want
	})
}

// state reads the state in a host's row, or gone.
func state(id string) string {
	return fmt.Sprintf(`document.querySelector('#hosts tbody tr[data-id="%s"]')?.dataset.state ?? "gone"`, id)
}

const rows = `document.querySelectorAll('#hosts tbody tr[data-id]').length`

func (b *tab) search(text string) {
	b.t.Helper()
	b.do(chromedp.Focus("#search", chromedp.ByQuery), chromedp.Evaluate(`document.querySelector("#search").select()`, nil),
		chromedp.KeyEvent("\b"+text))
}

// picture takes what the window shows in a color scheme, and keeps it if HOSTLIFE_PICTURES says where.
func (b *tab) picture(name, scheme string) (brightness float64) {
	b.t.Helper()
	var shot []byte
	b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Sleep(300*time.Millisecond), // colors change over a while
		chromedp.CaptureScreenshot(&shot))
	if dir := os.Getenv("HOSTLIFE_PICTURES"); dir != "" {
		require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644))
	}
	img, err := png.Decode(bytes.NewReader(shot))
	require.NoError(b.t, err)
	sum, n := 0.0, 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 7 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 7 {
			r, g, b, _ := img.At(x, y).RGBA()
			sum, n = sum+float64(r+g+b)/(3*0xffff), n+1
		}
	}
	return sum / float64(n)
}

// A host is killed while the page is open: it is late, then suspect, then gone. The page gives the
// reason, without being loaded again.
func TestPageShowsHowAHostDies(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	c := launch(t, binary, "-serve", "-interval", "5s", "-churn-hosts", "8")
	b := open(t, c.says(`page +(http://\S+)`))
	victim := c.pid("peer-1")
	c.says(`(serving)`)
	b.sees("alive", state("peer-1"))
	b.search("peer-")
	b.sees("5", rows)
	b.do(chromedp.Evaluate(`window.loadedOnce = true`, nil))

	require.NoError(t, syscall.Kill(victim, syscall.SIGKILL))
	seen := []string{"alive"}
	eventually(t, "the host is gone", func() bool {
		if now := b.eval(state("peer-1")); now != seen[len(seen)-1] {
			seen = append(seen, now)
		}
		return seen[len(seen)-1] == "gone"
	})
	require.Equal(t, "alive late suspect", strings.Join(seen[:3], " "))
	require.Equal(t, "true", b.eval("window.loadedOnce"))
	evidence := `document.querySelector('#departures [data-id="peer-1"][data-kind="evicted"]')?.textContent.includes("timeout 10s")`
	b.sees("true", evidence)
	b.sees("4", rows)

	b.search("peer-3")
	b.sees("1", rows)
	b.sees("alive", state("peer-3"))
	b.search("nobody")
	b.sees("0", rows)
	b.search("")
	b.sees("true", rows+" >= 4")

}

// A peer that is stopped for a while is not evicted, but the second policy would have evicted it. The
// page shows the second policy from then on, and not before.
func TestPageShowsWhatAShadowWouldHaveDone(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0", "-policy", "tiered", "-jitter", "2s", "-shadow", "fixed")
	addr, url := s.says(`listening on (\S+)`), s.says(`page on (\S+)`)
	const id = "<b>peer</b>"
	p := launch(t, binary, "peer", "-scheduler", addr, "-id", id, "-interval", "1s")
	b := open(t, url)
	b.sees("1", rows)
	shown := `document.querySelector("#shadow").checkVisibility()`
	b.sees("false", shown)
	b.sees("false", `document.querySelector("#advised").checkVisibility()`)

	p.signal(syscall.SIGSTOP)
	b.sees("suspect", state(id))
	p.signal(syscall.SIGCONT)
	b.sees("true", shown)
	b.sees("true", `/^Evictions 0 [1-9]$/.test(Array.from(document.querySelector("#compared tbody tr").cells, c => c.textContent).join(" "))`)
	b.sees("true", `/^Rejoined 0 [1-9]$/.test(Array.from(document.querySelector("#compared tbody").rows[1].cells, c => c.textContent).join(" "))`)
	b.sees("alive", state(id))
}

// A peer that is evicted and comes back is listed as flapping. The list is hidden before.
func TestPageShowsAHostThatFlaps(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	addr, url := s.says(`listening on (\S+)`), s.says(`page on (\S+)`)
	const id = "<b>peer</b>"
	p := launch(t, binary, "peer", "-scheduler", addr, "-id", id, "-interval", "1s")
	b := open(t, url)
	b.sees("alive", state(id))
	shown := `document.querySelector("#flapping").checkVisibility()`
	b.sees("false", shown)

	p.signal(syscall.SIGSTOP)
	b.sees("gone", state(id))
	p.signal(syscall.SIGCONT)
	b.sees("true", shown)
	b.sees("true", `/^<b>peer<\/b> [1-9]$/.test(Array.from(document.querySelector("#worst tbody tr").cells, c => c.textContent).slice(0, 2).join(" "))`)
	b.sees("alive", state(id))
}

// The server sorts, searches and pages the table of very many hosts.
func TestPageOf100000Hosts(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	hosts, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	for i := range 100_000 {
		_, err := hosts.Announce(hostmgr.Announcement[string]{ID: fmt.Sprintf("host-%05d", i+1), Interval: time.Hour})
		require.NoError(t, err)
	}
	s := httptest.NewServer(&hostweb.Handler[string]{Registry: hosts})
	t.Cleanup(s.Close)
	b := open(t, s.URL)
	b.sees("100000", countHosts)

	first := `document.querySelector('#hosts tbody tr[data-id]')?.dataset.id`
	for _, order := range []string{"ascending", "descending", "ascending"} {
		b.click(`button[data-sort="id"]`)
		b.sees(order, `document.querySelector('th:has(button[data-sort="id"])').ariaSort`)
		b.sees(map[string]string{"ascending": "host-00001", "descending": "host-99999"}[order], first)
	}
	before := b.eval(`document.querySelector("#page").textContent`)
	b.click("#next")
	b.sees("true", fmt.Sprintf(`document.querySelector("#page").textContent !== %q`, before))
	b.sees("true", first+` > "host-00001"`)
	b.click("#prev")
	b.sees("host-00001", first)
	b.click("#last")
	b.sees("2,000 of 2,000", `document.querySelector("#page").textContent`)
	b.sees("host-99950", first)
	b.search("host-99")
	b.sees("host-99000", first)
	b.search("host-77777")
	b.sees("1", rows)
	b.sees("host-77777", first)
}

const countHosts = `document.querySelector("#count-hosts").textContent.replace(/\D/g, "")`

// All hosts of a process of 100,000 join, although the browser shows them meanwhile.
func TestAProcessOf100000Hosts(t *testing.T) {
	if !effort.Full() {
		t.Skip("it needs two cores for most of a minute: HOSTLIFE_LONG=1 runs it")
	}
	clitest.Needs(t, "chromium", "chromium")
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0", "-multiple", "10000")
	addr, url := s.says(`listening on (\S+)`), s.says(`page on (\S+)`)
	p := launch(t, binary, "peer", "-scheduler", addr, "-id", "host", "-hosts", "100000", "-peers", "0", "-interval", "40s")
	open(t, url).sees("100000", countHosts)
	p.signal(os.Kill) // it would leave for all of them
}
