package growth

import (
	"fmt"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

const (
	columns, lines = 3, 2
	width, height  = 30 * vg.Centimeter, 17 * vg.Centimeter
	legendWidth    = 3.2 * vg.Centimeter
	footer         = 0.8 * vg.Centimeter
)

// paint draws the panels on white, so that they can be read on any background.
func paint(sizes []size) (*vgsvg.Canvas, error) {
	svg := vgsvg.New(width, height)
	page := draw.New(svg)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())

	plot.DefaultFont.Variant = "Sans"
	var grid [][]*plot.Plot
	legend := plot.NewLegend()
	for i, name := range measures {
		p, err := panel(name, sizes, &legend, i == 0)
		if err != nil {
			return nil, err
		}
		if i%columns == 0 {
			grid = append(grid, nil)
		}
		grid[i/columns] = append(grid[i/columns], p)
	}
	pad := 0.4 * vg.Centimeter
	tiles := draw.Tiles{Rows: lines, Cols: columns, PadX: pad, PadY: pad, PadTop: pad, PadLeft: pad, PadRight: pad}
	area := draw.Crop(page, 0, -legendWidth, footer, 0)
	for row, canvases := range plot.Align(grid, tiles, area) {
		for col, c := range canvases {
			grid[row][col].Draw(c)
		}
	}
	legend.Top, legend.Left, legend.Padding = true, true, 2*vg.Millimeter
	legend.Draw(draw.Crop(page, width-legendWidth, 0, 0, -pad))
	note(page, sizes)
	return svg, nil
}

// write makes the file.
func write(file string, sizes []size) (err error) {
	svg, err := paint(sizes)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err = svg.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// note says at the foot which peers are left out where.
func note(page draw.Canvas, sizes []size) {
	text := "Hosts on the horizontal axes; both axes are logarithmic."
	for _, s := range sizes {
		if len(s.leftOut) > 0 {
			text += fmt.Sprintf("  At %s%s.", tick(float64(s.n)), s.notes())
		}
	}
	style := plot.New().X.Label.TextStyle
	style.Font.Size, style.XAlign = 8, draw.XLeft
	page.FillText(style, vg.Point{X: 0.4 * vg.Centimeter, Y: 0.3 * vg.Centimeter}, text)
}

// panel draws one measure; the first one's lines make the legend.
func panel(name string, sizes []size, legend *plot.Legend, first bool) (*plot.Plot, error) {
	m, _ := measure.Find(name)
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s (%s; %s)", name, unit(name, sizes), better(m.More))
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	p.Add(faintGrid())
	for i, peer := range peers.All {
		figures := points(name, peer.Name, sizes)
		if len(figures) == 0 {
			continue
		}
		line, points, err := plotter.NewLinePoints(figures)
		if err != nil {
			return nil, err
		}
		line.LineStyle, points.GlyphStyle = look(i)
		p.Add(line, points)
		if first {
			legend.Add(peer.Name, line, points)
		}
	}
	p.X.Min, p.X.Max = float64(sizes[0].n), float64(sizes[len(sizes)-1].n)
	if p.X.Min == p.X.Max {
		p.X.Max *= 10
	}
	p.Y.Min, p.Y.Max = around(p.Y.Min, p.Y.Max)
	return p, nil
}

func faintGrid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = color.Gray{225}, color.Gray{225}
	return g
}

// around widens a range to whole decades.
func around(low, high float64) (float64, float64) {
	if low > high { // nothing was drawn
		return 1, 10
	}
	low, high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	if low == high {
		high *= 10
	}
	return low, high
}

func points(name, peer string, sizes []size) (xys plotter.XYs) {
	for _, s := range sizes {
		for _, r := range s.rows {
			if r.Measure == name && r.Peer == peer && r.Value > 0 {
				xys = append(xys, plotter.XY{X: float64(s.n), Y: r.Value})
			}
		}
	}
	return xys
}

func unit(name string, sizes []size) string {
	for _, r := range sizes[0].rows {
		if r.Measure == name {
			return r.Unit
		}
	}
	return ""
}

func better(more bool) string {
	if more {
		return "more is better"
	}
	return "less is better"
}

// decades marks the powers of ten, and what is between if they are few.
type decades struct{}

func (decades) Ticks(low, high float64) (ticks []plot.Tick) {
	for v := low; v <= high*1.001; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: tick(v)})
		for _, f := range []float64{2, 5} {
			if high/low < 11 && f*v < high {
				ticks = append(ticks, plot.Tick{Value: f * v, Label: tick(f * v)})
			}
		}
	}
	return ticks
}

func tick(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.4gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}
