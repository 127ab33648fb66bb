// Dense matrices in plain loops, for the references.
#pragma once
#include <cmath>
#include <utility>
#include <vector>

struct Matrix {
  int rows, columns;
  std::vector<double> numbers;

  Matrix(int r, int c) : rows(r), columns(c), numbers(size_t(r * c)) {}
  template <class T>
  Matrix(int r, int c, const T* from) : rows(r), columns(c), numbers(from, from + r * c) {}
  static Matrix diagonal(const std::vector<double>& d) {
    Matrix m(int(d.size()), int(d.size()));
    for (int i = 0; i < m.rows; ++i) m(i, i) = d[size_t(i)];
    return m;
  }
  double& operator()(int i, int j) { return numbers[size_t(i * columns + j)]; }
  double operator()(int i, int j) const { return numbers[size_t(i * columns + j)]; }
  Matrix operator*(const Matrix& b) const {
    Matrix m(rows, b.columns);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < b.columns; ++j)
        for (int k = 0; k < columns; ++k) m(i, j) += (*this)(i, k) * b(k, j);
    return m;
  }
  Matrix plus(const Matrix& b, double factor = 1) const {
    Matrix m = *this;
    for (size_t k = 0; k < numbers.size(); ++k) m.numbers[k] += factor * b.numbers[k];
    return m;
  }
  Matrix operator+(const Matrix& b) const { return plus(b); }
  Matrix operator-(const Matrix& b) const { return plus(b, -1); }
  Matrix turned() const {
    Matrix m(columns, rows);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) m(j, i) = (*this)(i, j);
    return m;
  }
  Matrix symmetric() const {
    Matrix m = plus(turned());
    for (double& x : m.numbers) x /= 2;
    return m;
  }
  // Of what rows and columns are given.
  Matrix part(const std::vector<int>& of_rows, const std::vector<int>& of_columns) const {
    Matrix m(int(of_rows.size()), int(of_columns.size()));
    for (int i = 0; i < m.rows; ++i)
      for (int j = 0; j < m.columns; ++j) m(i, j) = (*this)(of_rows[size_t(i)], of_columns[size_t(j)]);
    return m;
  }
  // The lower factor.
  Matrix root() const {
    Matrix l(rows, rows);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j <= i; ++j) {
        double sum = (*this)(i, j);
        for (int k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
        l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
      }
    return l;
  }
  // By elimination with the largest pivots; the determinant beside it.
  Matrix inverse(double* determinant = nullptr) const {
    Matrix a = *this, b = diagonal(std::vector<double>(size_t(rows), 1.0));
    double product = 1;
    for (int c = 0; c < rows; ++c) {
      int pivot = c;
      for (int i = c + 1; i < rows; ++i)
        if (std::abs(a(i, c)) > std::abs(a(pivot, c))) pivot = i;
      if (pivot != c) product = -product;
      for (int j = 0; j < rows; ++j) {
        std::swap(a(c, j), a(pivot, j));
        std::swap(b(c, j), b(pivot, j));
      }
      product *= a(c, c);
      for (int i = 0; i < rows; ++i) {
        const double factor = a(i, c) / a(c, c);
        for (int j = 0; i != c && j < rows; ++j) {
          a(i, j) -= factor * a(c, j);
          b(i, j) -= factor * b(c, j);
        }
      }
    }
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < rows; ++j) b(i, j) /= a(i, i);
    if (determinant) *determinant = product;
    return b;
  }
};
