//go:build unix

package main_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// axe is the source of axe-core, which finds what keeps people with disabilities from using a page.
var axe = sync.OnceValues(func() (string, error) {
	f, err := os.Open("testdata/axe-core-4.14.1.min.js.gz")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	source, err := io.ReadAll(unzipped)
	return string(source), err
})

// view sets the width of the page and its colors.
func (b *tab) view(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 1400),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

// unrolled shows all that is in a box that scrolls: axe-core cannot compute the contrast of what is
// out of sight.
const unrolled = `{
	const sheet = new CSSStyleSheet();
	sheet.replaceSync("#departures, #settings, .scroll { height: auto !important; max-height: none !important; overflow: visible !important }");
	document.adoptedStyleSheets = [sheet];
}`

// told is what rules have found, as text.
const told = `rules => rules.flatMap(rule => rule.nodes.map(node =>
	rule.id + " at " + node.target.join(" ") + ": " + node.failureSummary + " " + node.html)).join("\n")`

// tooLow computes the contrast of a text that axe-core leaves open, as it does for each text of a
// picture and for single characters: of the color of the text with that of the nearest background.
// WCAG 2.2, 1.4.3.
const tooLow = `node => {
	const element = document.querySelector(node.target[0]), style = getComputedStyle(element);
	const channels = color => color.match(/[\d.]+/g).map(Number);
	const luminance = color => {
		const [r, g, b] = channels(color).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	let back = element;
	while (channels(getComputedStyle(back).backgroundColor)[3] === 0) back = back.parentElement;
	const text = element instanceof SVGElement ? style.fill : style.color;
	const [low, high] = [luminance(text), luminance(getComputedStyle(back).backgroundColor)].sort((a, b) => a - b);
	return !((high + 0.05) / (low + 0.05) >= 4.5);
}`

// violations returns what axe-core finds. Contrasts that it could not compute count too.
func (b *tab) violations() (text string) {
	b.t.Helper()
	source, err := axe()
	require.NoError(b.t, err)
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	var contrasts string
	b.do(chromedp.Evaluate(source+"; 0", nil),
		chromedp.Evaluate(`axe.run().then(result => (`+told+`)(result.violations))`, &text, await),
		chromedp.Evaluate(unrolled, nil),
		chromedp.Evaluate(`axe.run({ runOnly: ["color-contrast"] }).then(result => {
			document.adoptedStyleSheets = [];
			if (!result.passes.length) return "no contrast was computed";
			for (const rule of result.incomplete) rule.nodes = rule.nodes.filter(`+tooLow+`);
			return (`+told+`)([...result.violations, ...result.incomplete]);
		})`, &contrasts, await))
	return text + contrasts
}

// incident is a registry in which everything that the page can show has happened: hosts are late,
// held and flapping, a zone is lost, and cleanups fail.
func incident(t *testing.T) *hostmgr.Registry[string] {
	r, err := hostmgr.New(hostmgr.Config[string]{
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.95, MaxHold: time.Hour}, Pacing: hostmgr.Pacing{Min: time.Second, Max: time.Hour, PerSecond: 1},
		Shadow:  hostmgr.Fixed(1.2),
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return fmt.Errorf("the database is down") },
	})
	require.NoError(t, err)
	announce := func(id, zone string, interval time.Duration, ago time.Duration) {
		_, err := r.Announce(hostmgr.Announcement[string]{
			ID: id, Zone: zone, Interval: interval, Metadata: "see http://10.0.0.1:8001/" + id, LastContact: time.Now().Add(-ago),
		})
		require.NoError(t, err)
	}
	for i := range 30 {
		announce(fmt.Sprint("lost-", i), "fra1", time.Second, 0)
		announce(fmt.Sprint("well-", i), "ams1", time.Hour, 0)
	}
	_, err = r.Announce(hostmgr.Announcement[string]{ID: "never", Interval: hostmgr.Never})
	require.NoError(t, err)
	r.Sweep(t.Context())
	for i := range 30 {
		require.ErrorIs(t, r.Evict(t.Context(), fmt.Sprint("lost-", i), 0, "the zone is lost"), hostmgr.ErrCleanupPending)
	}
	announce("lost-0", "lon1", time.Hour, 0) // it flaps
	announce("late", "lon1", time.Minute, 70*time.Second)
	announce("suspect", "lon1", time.Minute, 100*time.Second)
	for i := range 3 {
		announce(fmt.Sprint("due-", i), "par1", time.Minute, time.Hour)
	}
	_ = r.Leave(t.Context(), "well-0", 0)
	r.Sweep(t.Context())
	return r
}

// A shownPage is what there is to look at.
type shownPage struct {
	name     string
	registry *hostmgr.Registry[string]
}

// axe-core finds nothing, in both themes, on a phone, on a desk and on a wall. It looks at the page
// when all is well, in an incident, and when it is out of touch.
func TestThePageIsAccessible(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "chromium", "chromium")
	quiet, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	_, err = quiet.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
	require.NoError(t, err)
	for _, page := range some(shownPage{"incident", incident(t)}, shownPage{"well", quiet}) {
		s := httptest.NewServer(&hostweb.Handler[string]{Registry: page.registry, Title: "scheduler", Describe: strings.Clone, Actions: true})
		t.Cleanup(s.CloseClientConnections)
		b := open(t, s.URL+"/?host=late")
		b.sees("live", `document.querySelector("#link").textContent`)
		b.do(chromedp.Evaluate(`document.querySelector("details").open = true`, nil))
		for _, width := range some[int64](1280, 390, 2560) {
			for _, scheme := range []string{"light", "dark"} {
				b.view(width, scheme)
				require.Empty(t, b.violations(), "%s, %d pixels, %s", page.name, width, scheme)
				require.Equal(t, "true", b.eval("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at %d", width)
			}
		}
		s.CloseClientConnections()
		s.Listener.Close()
		b.sees("true", `document.body.classList.contains("stale")`)
		for _, scheme := range some("light", "dark") {
			b.view(1280, scheme)
			require.Empty(t, b.violations(), "%s, out of touch, %s", page.name, scheme)
		}
	}
}
