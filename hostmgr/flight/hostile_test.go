package flight_test

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// nasty is text that a terminal would obey: a colour, a bell, line ends, a C1 control, text
// directions, a byte that is not UTF-8, and an invisible space.
const nasty = "\x1b[31m\a\r\n\u009b2J\u202egnp\u2066\xff\u200b\u2028"

// requirePrintable fails if a terminal would take a part of s as a command.
func requirePrintable(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s), "%q", s)
	for _, c := range s {
		require.True(t, strconv.IsPrint(c), "%q has %q", s, c)
	}
}

// Errors and verdicts are printable, and errors are short, whatever the log contains.
func TestTextOfALogIsEscaped(t *testing.T) {
	raw := strings.NewReplacer("\n", "", "\r", "").Replace(nasty) // what a line can contain unescaped
	log := "begin version=2 start=0 at=0 policy=" + strconv.Quote(nasty) + ";\n"
	for _, key := range []string{raw, raw + "x", strings.Repeat(raw, 1000)} {
		for _, value := range []string{"1", "x" + raw, strconv.Quote(nasty), `"open`, strings.Repeat("9", 60_000), `"a"b`} {
			log += fmt.Sprintf("joined at=1 %s=%s;\nlate %s=%s at=1;\n%s at=1 %s=%s;\n", key, value, key, value, key, key, value)
		}
		log += "late at=1 id=" + strconv.Quote(nasty) + " last-contact=5 interval=1;\n" + key + "\n"
	}
	log += fmt.Sprintf("evicted at=30000000000 id=%q zone=%q held=%q interval=10000000000 last-contact=0 due=20000000000;\n", nasty, nasty, nasty)
	verdicts, errs := replay(log, hostmgr.Fixed(4))
	require.Len(t, verdicts, 1)
	require.Greater(t, len(errs), 30)
	for _, err := range errs {
		requirePrintable(t, err.Error())
		require.Less(t, len(err.Error()), 400)
	}
	requirePrintable(t, verdicts[0].String())
	require.Contains(t, verdicts[0].String(), `held: "\x1b[31m\a`)
	verdicts[0].Kind, verdicts[0].Change = nasty, nasty
	requirePrintable(t, verdicts[0].String())
}

// Counts use all 64 bits; a negative number is read as the count with the same bits.
func TestCountsBeyondAnInt64(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i, incarnation := range []uint64{1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		_, err := s.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second, Incarnation: incarnation})
		require.NoError(t, err)
		require.Equal(t, incarnation, s.records()[i+1].Incarnation)
	}
	for _, written := range []string{"-1", "18446744073709551615"} {
		for r, err := range flight.Read(strings.NewReader(fmt.Sprintf("joined at=1 registration=%s incarnation=%s;\n", written, written))) {
			require.NoError(t, err)
			require.Equal(t, [2]uint64{math.MaxUint64, math.MaxUint64}, [2]uint64{r.Registration, r.Incarnation})
		}
	}
	for _, key := range []string{"at", "last-sweep", "stalled-since", "since", "from", "interval", "mean", "deviation", "timeout", "stalled", "limit", "given"} {
		for _, n := range []string{"-1", "4611686018427387904", "9223372036854775807", "18446744073709551615"} {
			_, errs := replay("joined at=1 "+key+"="+n+"\n", nil)
			require.Len(t, errs, 1, "%s=%s", key, n)
		}
	}
}

// The times in a log may be as far apart as the format allows.
func TestTimesAtTheLimits(t *testing.T) {
	const last = int64(math.MaxInt64 / 2)
	log := fmt.Sprintf("begin version=2 start=%d at=0\n", int64(math.MaxInt64))
	log += fmt.Sprintf("stall at=%d from=1 limit=%d\n", last-1, last)
	log += fmt.Sprintf("late at=%d id=\"a\" interval=86400000000000 last-contact=0 stalled=%d mean=%d deviation=%d count=-1\n", last, last, last, last)
	log += fmt.Sprintf("evicted at=%d id=\"a\" interval=86400000000000 last-contact=0 due=%d\n", last, last)
	for _, p := range []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.Fixed(1e300), hostmgr.PhiAccrual{}, hostmgr.PhiAccrual{Threshold: 1e6}, hostmgr.Tiered{}} {
		verdicts, errs := replay(log, p)
		require.Len(t, verdicts, 2, "%v %v", p, errs)
		require.Empty(t, errs)
		for _, v := range verdicts {
			require.NotContains(t, v.String(), "due -", "%v", p)
		}
	}
}

// The grace after a stall follows from its own limit, whatever the limits of other stalls are.
func TestEachStallHasItsOwnLimit(t *testing.T) {
	const log = `begin at=0 version=2 start=0
stall at=2000000000 from=1000000000 limit=3000000
late at=3000000000 id="short" interval=1000000000 last-contact=900000000 stalled=1000000000
stall at=20000000000 from=10000000000 limit=1500000000
evicted at=30000000000 id="before" interval=1000000000 last-contact=9500000000 due=22500000000
evicted at=30000000000 id="within" interval=1000000000 last-contact=15000000000 due=22500000000
evicted at=30000000000 id="after" interval=1000000000 last-contact=20100000000 due=22500000000
stall at=31000000000 from=30500000000 limit=1000000
evicted at=40000000000 id="next" interval=1000000000 last-contact=29000000000 due=32001000000
`
	verdicts, errs := replay(log, hostmgr.Fixed(2))
	require.Empty(t, errs)
	require.Len(t, verdicts, 5)
	for _, v := range verdicts {
		require.Empty(t, v.Change, "%v", v)
	}
}

func TestAStallOutOfOrder(t *testing.T) {
	const log = `begin at=0 version=2 start=0
stall at=20000000000 from=10000000000 limit=1
stall at=15000000000 from=9000000000 limit=1
`
	_, errs := replay(log, nil)
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], "line 3: a stall that begins before the end")
}

// Many hosts in this log are evicted that another policy would have evicted later, and none joins
// again.
func TestWaitingVerdictsAreBounded(t *testing.T) {
	zone, n := strings.Repeat("z", 60_000), 0
	in, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, "begin at=0 version=2 start=0;\n")
		for i := range 3000 {
			_, _ = fmt.Fprintf(out, "evicted at=21000000000 id=\"%d\" zone=\"%s\" interval=10000000000 last-contact=0 due=20000000000;\n", i, zone)
		}
		_ = out.Close()
	}()
	refused, peak := 0, uint64(0)
	for v, err := range flight.Replay(flight.Read(in), hostmgr.Fixed(4)) {
		if n++; n%500 == 0 {
			peak = max(peak, heap())
		}
		if err != nil {
			require.ErrorContains(t, err, "more than 64 MiB of evictions")
			refused++
			continue
		}
		require.Equal(t, "would have been due 20s later", v.Change)
	}
	require.Equal(t, 3000, n)
	require.InDelta(t, 3000-64<<20/60_500, refused, 20)
	require.Less(t, peak, uint64(160<<20))
}

// A record does not keep its line in memory.
func TestARecordDoesNotKeepItsLine(t *testing.T) {
	line := "joined at=1 id=\"a\" other=\"" + strings.Repeat("x", 60_000) + "\";\n"
	var kept []flight.Record
	for r, err := range flight.Read(strings.NewReader(strings.Repeat(line, 500))) {
		require.NoError(t, err)
		kept = append(kept, r)
	}
	require.Less(t, heap(), uint64(31<<20)+10<<20, "the log itself is 30 MB")
	runtime.KeepAlive(kept)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
