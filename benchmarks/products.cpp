// MLX's product with 4-bit weights, by a BLAS, for measuring a large model on a CPU.
//
// Preloaded, this takes the place of mlx::core::quantized_matmul: a tile of weights is unpacked to
// 32 bits at a time and multiplied. Of MLX's allocator it takes what the original takes, the output
// alone; the tiles are the C++ library's. Affine quantisation of matrices, on a CPU; nothing else.

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/mlx.h"
#include "mlx/primitives.h"

extern "C" void cblas_sgemm(
    int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float* a, int lda,
    const float* b, int ldb, float beta, float* c, int ldc);

namespace {

using namespace mlx::core;

constexpr int ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112;  // as cblas.h numbers them
constexpr int TILE = 256;                                      // rows of weights
constexpr int BITS = 4, IN_A_WORD = 32 / BITS;

// Rows of weights in 32 bits; a group of them shares a scale and a bias.
template <typename Scale>
void unpack(
    const uint32_t* words, const Scale* scales, const Scale* biases, float* to, size_t rows,
    size_t width, size_t group) {
  size_t groups = rows * width / group;
  for (size_t one = 0; one < groups; one++) {
    float scale = static_cast<float>(scales[one]);
    float bias = static_cast<float>(biases[one]);
    for (size_t word = one * group / IN_A_WORD; word < (one + 1) * group / IN_A_WORD; word++)
      for (int place = 0; place < IN_A_WORD; place++)
        *to++ = scale * ((words[word] >> (BITS * place)) & 15) + bias;
  }
}

struct Sizes {
  int m, n, k, group;
};

// out (m x n) = x (m x k) times the transpose of weights (n x k).
template <typename Number, typename Scale>
void by_rows(
    const std::vector<float>& x, const uint32_t* w, const Scale* scales, const Scale* biases,
    Number* out, Sizes of) {
  std::vector<float> tile(size_t(TILE) * of.k), part(size_t(of.m) * TILE);
  for (int n = 0; n < of.n; n += TILE) {
    int rows = std::min(TILE, of.n - n);
    size_t words = size_t(n) * of.k / IN_A_WORD, groups = size_t(n) * of.k / of.group;
    unpack(w + words, scales + groups, biases + groups, tile.data(), rows, of.k, of.group);
    cblas_sgemm(
        ROW_MAJOR, PLAIN, TRANSPOSED, of.m, rows, of.k, 1, x.data(), of.k, tile.data(), of.k, 0,
        part.data(), rows);
    for (int m = 0; m < of.m; m++)
      for (int row = 0; row < rows; row++)
        out[size_t(m) * of.n + n + row] = static_cast<Number>(part[size_t(m) * rows + row]);
  }
}

// out (m x n) = x (m x k) times weights (k x n).
template <typename Number, typename Scale>
void by_columns(
    const std::vector<float>& x, const uint32_t* w, const Scale* scales, const Scale* biases,
    Number* out, Sizes of) {
  std::vector<float> tile(size_t(TILE) * of.n), sum(size_t(of.m) * of.n, 0.0f);
  for (int k = 0; k < of.k; k += TILE) {
    int rows = std::min(TILE, of.k - k);
    size_t words = size_t(k) * of.n / IN_A_WORD, groups = size_t(k) * of.n / of.group;
    unpack(w + words, scales + groups, biases + groups, tile.data(), rows, of.n, of.group);
    cblas_sgemm(
        ROW_MAJOR, PLAIN, PLAIN, of.m, of.n, rows, 1, x.data() + k, of.k, tile.data(), of.n, 1,
        sum.data(), of.n);
  }
  std::transform(sum.begin(), sum.end(), out, [](float each) { return static_cast<Number>(each); });
}

template <typename Number, typename Scale>
void multiply(
    const array& x, const array& w, const array& scales, const array& biases, array& out, int group,
    bool transpose) {
  int k = x.shape(-1);
  Sizes of{static_cast<int>(x.size() / k), out.shape(-1), k, group};
  std::vector<float> wide(x.data<Number>(), x.data<Number>() + x.size());
  auto product = transpose ? by_rows<Number, Scale> : by_columns<Number, Scale>;
  product(
      wide, w.data<uint32_t>(), scales.data<Scale>(), biases.data<Scale>(), out.data<Number>(), of);
}

class Product : public UnaryPrimitive {
 public:
  Product(Stream stream, int group, bool transpose)
      : UnaryPrimitive(stream), group_(group), transpose_(transpose) {}

  void eval_cpu(const std::vector<array>& inputs, array& out) override {
    for (const array& each : inputs)
      if (!each.flags().row_contiguous) throw std::runtime_error("rows that are not in a row");
    out.set_data(allocator::malloc(out.nbytes()));
    bool wide = out.dtype() == float32, wide_scales = inputs[2].dtype() == float32;
    auto with = wide ? (wide_scales ? multiply<float, float> : multiply<float, bfloat16_t>)
                     : (wide_scales ? multiply<bfloat16_t, float> : multiply<bfloat16_t, bfloat16_t>);
    auto weak = array::unsafe_weak_copy;  // MLX keeps what an operation needs until it is done
    cpu::get_command_encoder(stream()).dispatch(
        [with, x = weak(inputs[0]), w = weak(inputs[1]), scales = weak(inputs[2]),
         biases = weak(inputs[3]), out = weak(out), group = group_,
         transpose = transpose_]() mutable { with(x, w, scales, biases, out, group, transpose); });
  }

  void eval_gpu(const std::vector<array>&, array&) override {
    throw std::runtime_error("a product for a CPU");
  }

  std::vector<array> vjp(
      const std::vector<array>& inputs, const std::vector<array>& cotangents,
      const std::vector<int>& of, const std::vector<array>&) override {
    if (of != std::vector<int>{0}) throw std::runtime_error("a gradient of the weights");
    return {quantized_matmul(
        cotangents[0], inputs[1], inputs[2], inputs[3], !transpose_, group_, BITS, "affine",
        stream())};
  }

  const char* name() const override {
    return "Product";
  }

 private:
  int group_;
  bool transpose_;
};

}  // namespace

namespace mlx::core {

array quantized_matmul(
    const array& x, const array& w, const array& scales, const std::optional<array>& biases,
    bool transpose, std::optional<int> group_size, std::optional<int> bits, const std::string& mode,
    StreamOrDevice s) {
  if (bits.value_or(BITS) != BITS || mode != "affine" || w.ndim() != 2 || !biases)
    throw std::runtime_error("another product than that of a 4-bit matrix");
  Dtype type = promote_types(x.dtype(), scales.dtype());
  Shape shape = x.shape();
  shape.back() = transpose ? w.shape(0) : w.shape(1) * IN_A_WORD;
  Stream stream = to_stream(s);
  array input = contiguous(astype(x, type, stream), false, stream);
  auto product = std::make_shared<Product>(stream, group_size.value_or(64), transpose);
  return array(std::move(shape), type, std::move(product), {input, w, scales, *biases});
}

}  // namespace mlx::core
