package replay

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// widerFonts is how much wider a text may be where its font is missing.
const widerFonts = 1.25

// A layout places labels next to their points, so that none covers another or a point.
type layout struct {
	bounds vg.Rectangle
	taken  []vg.Rectangle
}

// avoid takes what is along a line.
func (l *layout) avoid(from, to vg.Point) {
	const step = 3
	way := to.Sub(from)
	pieces := 1 + math.Floor(math.Sqrt(float64(way.Dot(way)))/step)
	for i := range int(pieces) + 1 {
		l.taken = append(l.taken, square(from.Add(way.Scale(vg.Length(float64(i)/pieces))), 2))
	}
}

// place returns the rectangle of a label of this size, and takes it: the nearest one that is free, or
// if none is, the one that covers least.
func (l *layout) place(at vg.Point, size vg.Point) vg.Rectangle {
	var best vg.Rectangle
	least := math.Inf(1)
	for distance := vg.Length(7); distance < 150 && least > 0; distance += 6 {
		for i := range 16 {
			angle := float64(i) * math.Pi / 8
			r := l.toward(at, size, vg.Point{X: distance * vg.Length(math.Cos(angle)), Y: distance * vg.Length(math.Sin(angle))})
			if covered := l.covered(r); covered < least {
				best, least = r, covered
			}
		}
	}
	l.taken = append(l.taken, best)
	return best
}

// toward returns the rectangle in a direction of a point.
func (l *layout) toward(at, size, way vg.Point) vg.Rectangle {
	low := at.Add(way)
	low.X -= size.X * vg.Length(1-sign(way.X)) / 2
	low.Y -= size.Y * vg.Length(1-sign(way.Y)) / 2
	return vg.Rectangle{Min: low, Max: low.Add(size)}
}

// sign is -1, 0 or 1.
func sign(v vg.Length) float64 {
	switch {
	case v > 0.01:
		return 1
	case v < -0.01:
		return -1
	}
	return 0
}

// covered is how much of what is taken, or out of bounds, a rectangle covers.
func (l *layout) covered(r vg.Rectangle) (area float64) {
	area = float64(r.Size().X*r.Size().Y) - common(r, l.bounds)
	for _, t := range l.taken {
		area += common(r, t)
	}
	return area
}

// common is the area that two rectangles share.
func common(a, b vg.Rectangle) float64 {
	x := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	y := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	return float64(max(0, x) * max(0, y))
}

// square is the one around a point.
func square(at vg.Point, radius vg.Length) vg.Rectangle {
	r := vg.Point{X: radius, Y: radius}
	return vg.Rectangle{Min: at.Sub(r), Max: at.Add(r)}
}

// nearest is the point of a rectangle that is nearest to another one.
func nearest(r vg.Rectangle, at vg.Point) vg.Point {
	return vg.Point{X: min(max(at.X, r.Min.X), r.Max.X), Y: min(max(at.Y, r.Min.Y), r.Max.Y)}
}
