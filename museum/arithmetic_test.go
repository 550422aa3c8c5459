package museum

// Arithmetic: limits of numbers, and conclusions drawn from one end only.
var arithmetic = []exhibit{}
