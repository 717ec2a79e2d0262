module github.com/cladgo/clad

go 1.26.0
