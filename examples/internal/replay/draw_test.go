package replay_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// picture draws, and returns the SVG.
func picture(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plot.svg")
	run(t, append(args, "-plot", file)...)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(b)
}

func TestPlotIsAnSVG(t *testing.T) {
	svg := picture(t, "-nodes", "20", "-days", "3", "-policies", "fixed:2,tiered:30s/5m", "-recommend")
	d := xml.NewDecoder(strings.NewReader(svg))
	elements := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
		}
	}
	require.Equal(t, 1, elements["svg"])
	require.Greater(t, elements["path"], 20)
	for _, text := range []string{">fixed:2, the default<", ">chosen<", ">same cost<", ", recommended<", ">recommended<", ">needless evictions: ", ">stale host-hours: "} {
		require.Contains(t, svg, text)
	}
	require.Less(t, len(svg), 200<<10)
}

func TestPlotOfNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(file, []byte("a,,\n"), 0o600))
	for _, args := range [][]string{{"-trace", file}, {"-nodes", "1", "-days", "0.001"}} {
		require.Contains(t, picture(t, append(args, "-recommend")...), ">fixed:2<")
	}
}

// texts are the texts of a picture and where they begin, from the left and from the top.
var texts = regexp.MustCompile(`<text x="([\d.]+)" y="-([\d.]+)".*\n.*font-size:(\d+)px">([^<]*)</text>`)

// Labels of policies that are close to each other do not overlap, whatever the font.
func TestLabelsDoNotOverlap(t *testing.T) {
	policies := "fixed:2,fixed:2.1,fixed:2.01,fixed:2.02,fixed:2.03,fixed:2.001,tiered:30s/30s,tiered:29s/31s,tiered:30s/5m,tiered:30s/301s"
	svg := picture(t, "-nodes", "40", "-days", "5", "-policies", policies, "-recommend")
	type box struct {
		text                   string
		left, right, low, high float64
	}
	var boxes []box
	for _, m := range texts.FindAllStringSubmatch(svg, -1) {
		if strings.Contains(m[4], "host-hours") { // it is rotated
			continue
		}
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.ParseFloat(m[2], 64)
		size, _ := strconv.ParseFloat(m[3], 64)
		boxes = append(boxes, box{m[4], x, x + 0.58*size*float64(len(m[4])), y, y + 0.7*size})
	}
	require.Greater(t, len(boxes), 20)
	require.True(t, bytes.Contains([]byte(svg), []byte("fixed:2.001")))
	for i, a := range boxes {
		for _, b := range boxes[:i] {
			apart := a.right <= b.left || b.right <= a.left || a.high <= b.low || b.high <= a.low
			require.True(t, apart, "%+v\n%+v", a, b)
		}
	}
}
