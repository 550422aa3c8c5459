//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
	"github.com/hostlife/hostlife/internal/effort"
)

// hostsOf returns the figures of the server that a test waits for, with the page closed.
func hostsOf(t *testing.T, url string) (hosts, evicted int) {
	t.Helper()
	answer, err := http.Get(url + "api/stats")
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var s struct {
		Hosts      int
		Departures struct{ Evicted int }
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&s))
	return s.Hosts, s.Departures.Evicted
}

const (
	firstAlert = `document.querySelector("#alerts p")?.textContent ?? ""`
	// zoneRow is the row of zone fra1 in the table of zones.
	zoneRow = `Array.from(document.querySelectorAll("#zones tbody tr")).find(r => r.cells[0].textContent === "fra1")`
)

// A screen has a width in pixels.
type screen struct {
	name  string
	width int64
}

// A zone is killed while no page is open. The operator opens the page afterwards, and sees what has
// happened. Then the server hangs, and the page says so.
func TestTheOperatorComesAfterwards(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	addr, url := s.says(`listening on (\S+)`), s.says(`page on (\S+)`)
	lost := launch(t, binary, "peer", "-scheduler", addr, "-id", "fra", "-idc", "fra1", "-hosts", "200", "-peers", "0", "-interval", "3s")
	launch(t, binary, "peer", "-scheduler", addr, "-id", "ams", "-idc", "ams1", "-hosts", "100", "-peers", "0", "-interval", "30s")
	eventually(t, "all hosts join", func() bool { hosts, _ := hostsOf(t, url); return hosts == 300 })
	if os.Getenv("HOSTLIFE_PICTURES") != "" { // of a chart that is worth it
		time.Sleep(90 * time.Second)
	}
	lost.signal(os.Kill)
	eventually(t, "the zone is evicted", func() bool { _, evicted := hostsOf(t, url); return evicted == 200 })

	b := open(t, url)
	require.True(t, strings.HasPrefix(b.eval(firstAlert), "200 of 300 hosts (67 %) were evicted in the last 5 min: 200 of 200 of zone fra1."), b.eval(firstAlert))
	b.sees("live", `document.querySelector("#link").textContent`)
	require.Contains(t, b.eval(firstAlert), "200 of 300 hosts (67 %)")
	require.Equal(t, "alert bad", b.eval(`document.querySelector("#alerts p").className`))
	b.sees("200", `document.querySelectorAll("#departures li[data-kind=evicted]").length`)
	b.sees("0 200", zoneRow+`.cells[1].textContent + " " + `+zoneRow+`.cells[2].textContent`)
	b.sees("true", `/300 since.* 200 evicted/.test(document.querySelector("#chart-text").textContent)`)

	for _, screen := range some(screen{"page", 1280}, screen{"phone", 390}, screen{"wall", 3840}) {
		b.view(screen.width, "light")
		require.Greater(t, b.picture(screen.name+"-light", "light"), 0.7)
		require.Less(t, b.picture(screen.name+"-dark", "dark"), 0.3)
	}
	b.view(1280, "light")

	b.click("#alerts a") // the zone
	b.sees("0", rows)
	b.click("#count-hosts")
	b.sees("50", rows)
	b.search("127.0.0.1:") // the address
	b.sees("100 of 100", `document.querySelector("#matched").textContent`)
	b.search("AMS-7")
	b.sees("true", rows+" >= 1")
	b.click("#hosts tbody a")
	b.sees("true", `/State/.test(document.querySelector("#host-facts").textContent)`)

	out := `document.body.classList.contains("stale") && /^Out of touch since/.test(document.querySelector("#stale").textContent)`
	b.sees("false", out)
	s.signal(syscall.SIGSTOP)
	began := time.Now()
	b.sees("true", out)
	require.Less(t, time.Since(began), 20*time.Second)
	require.Contains(t, b.eval(`document.querySelector("#link").textContent`), "not live since")
	s.signal(syscall.SIGCONT)
	b.sees("false", out)
	b.sees("live", `document.querySelector("#link").textContent`)
}

// click clicks what an update may replace at any moment.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).click()", selector), nil))
}

// shown is the page of a few hosts, in this process.
func shown(t *testing.T, handler *hostweb.Handler[string], hosts int) *httptest.Server {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	for i := range hosts {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: fmt.Sprintf("host-%02d", i), Zone: fmt.Sprint("zone-", i%2), Interval: time.Hour})
		require.NoError(t, err)
	}
	handler.Registry = r
	s := httptest.NewServer(handler)
	t.Cleanup(s.CloseClientConnections)
	return s
}

// A browser opens six connections to a server. More windows than that are live at a time.
func TestManyWindowsOfOneBrowser(t *testing.T) {
	if !effort.Full() {
		t.Skip("CI=true runs it: seven windows need both cores for half a minute")
	}
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	h := &hostweb.Handler[string]{}
	s := shown(t, h, 3)
	var tabs []*tab
	for range 7 {
		tabs = append(tabs, open(t, s.URL))
	}
	for _, b := range tabs {
		b.sees("3", countHosts)
	}
	_, err := h.Registry.Announce(hostmgr.Announcement[string]{ID: "later", Interval: time.Hour})
	require.NoError(t, err)
	for _, b := range tabs {
		b.sees("4", countHosts)
		b.sees("live", `document.querySelector("#link").textContent`)
		b.sees("4 of 4", `document.querySelector("#matched").textContent`)
	}
	tabs[0].do(chromedp.Click("#pause", chromedp.ByQuery)) // with the mouse: no update moves it
	tabs[0].sees("true", `/^paused since/.test(document.querySelector("#link").textContent)`)
	require.NoError(t, h.Registry.Forget("later", 0))
	tabs[1].sees("3", countHosts)
	tabs[0].sees("4", countHosts)
	tabs[0].click("#pause")
	tabs[0].sees("3", countHosts)
}

// The script of the page writes durations as the server does.
func TestDurationsReadAlike(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	b := open(t, shown(t, &hostweb.Handler[string]{}, 1).URL)
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	for seconds, want := range map[string]string{
		"0.000001": "1 µs", "0.0009996": "1 ms", "0.012345": "12.4 ms", "0.9996": "1 s", "10.000081": "10.01 s", "59.999": "1 min",
		"90": "1 min 30 s", "3599.000000001": "1 h", "5400": "1 h 30 min", "176400": "2 d 1 h", "null": "never",
	} {
		var got string
		b.do(chromedp.Evaluate("import('/format.js').then(f => f.span("+seconds+"))", &got, await))
		require.Equal(t, want, got, seconds)
	}
}

// press presses a key until an element has the focus.
func (b *tab) press(key, selector string) {
	b.t.Helper()
	has := fmt.Sprintf(`document.activeElement.matches(%q)`, selector)
	for range 100 {
		if b.do(chromedp.KeyEvent(key)); b.eval(has) == "true" {
			return
		}
	}
	b.t.Fatalf("%s never has the focus", selector)
}

// The page is used with the keyboard only: filter, look at a host, copy, pause, evict.
func TestThePageByKeyboard(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	h := &hostweb.Handler[string]{Actions: true, Logger: slog.New(slog.DiscardHandler)}
	s := shown(t, h, 10)
	b := open(t, s.URL+"/?utm_source=chat")
	b.sees("10", rows)
	b.press(kb.Tab, ".skip")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("#table", "location.hash")
	b.press(kb.Tab, "#search")
	b.do(chromedp.KeyEvent("ZONE-1"))
	b.sees("5", rows)
	b.press(kb.Tab, `#states input[value="alive"]`)
	b.do(chromedp.KeyEvent(" "))
	b.press(kb.Tab, `#states input[value="held"]`)
	b.do(chromedp.KeyEvent(" "))
	b.sees("true", `/state=alive%2Cheld/.test(location.search)`)
	b.sees("5", rows)
	b.press(kb.Tab, "#hosts tbody a")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("h-host", "document.activeElement.id")
	b.sees("host-01", `document.querySelector("#host-id").textContent`)
	b.press(kb.Tab, `#host-actions input[name=reason]`)
	b.do(chromedp.KeyEvent("its disk fails"))
	b.press(kb.Tab, "#host-actions button")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("true", `/its disk fails/.test(document.querySelector("#host-departures")?.textContent)`)
	b.sees("9", `document.querySelector("#count-hosts")?.textContent`)
	require.Equal(t, 9, h.Registry.Len())
	b.press(kb.Tab, "#pause")
	b.do(chromedp.KeyEvent(" "))
	b.sees("true", `document.querySelector("#pause").ariaPressed`)
}
