// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/color_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace sa::ui
{

namespace
{

constexpr int kSteps = 256;
constexpr int kFine = 2048; // of the path before it is divided evenly
constexpr double kMostChroma = 0.15;

struct Lab {
    double L, a, b;
};
struct Rgb {
    double r, g, b; // linear
    bool inGamut() const
    {
        const auto fits = [](double x) { return x >= -1e-6 && x <= 1 + 1e-6; };
        return fits(r) && fits(g) && fits(b);
    }
};

/// The matrices of OKLab's definition.
Rgb toRgb(const Lab& c)
{
    const auto cube = [](double x) { return x * x * x; };
    const double l = cube(c.L + 0.3963377774 * c.a + 0.2158037573 * c.b);
    const double m = cube(c.L - 0.1055613458 * c.a - 0.0638541728 * c.b);
    const double s = cube(c.L - 0.0894841775 * c.a - 1.2914855480 * c.b);
    return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

double encoded(double linear)
{
    const double x = std::clamp(linear, 0.0, 1.0);
    return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
}

double decoded(double value)
{
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

/// The path: lightness 0.27 to 0.94, hue from indigo (285 degrees) to yellow (103), as colourful as the screen allows.
Lab pathAt(double t)
{
    const double L = 0.27 + 0.67 * t;
    const double hue = (285.0 - 182.0 * t) * std::numbers::pi / 180;
    const auto at = [L, hue](double chroma) { return Lab{L, chroma * std::cos(hue), chroma * std::sin(hue)}; };
    double low = 0;
    double high = kMostChroma;
    for (int i = 0; i < 20 && !toRgb(at(high)).inGamut(); ++i) { // halves: steps of a fixed size would show
        const double middle = (low + high) / 2;
        (toRgb(at(middle)).inGamut() ? low : high) = middle;
    }
    return at(toRgb(at(high)).inGamut() ? high : low);
}

std::array<QColor, kSteps> makeTable()
{
    std::array<double, kFine> length{};
    Lab last = pathAt(0);
    for (int i = 1; i < kFine; ++i) {
        const Lab next = pathAt(static_cast<double>(i) / (kFine - 1));
        length[static_cast<std::size_t>(i)] =
            length[static_cast<std::size_t>(i - 1)] + std::hypot(next.L - last.L, next.a - last.a, next.b - last.b);
        last = next;
    }
    std::array<QColor, kSteps> table;
    for (int i = 0; i < kSteps; ++i) {
        const double wanted = length.back() * i / (kSteps - 1);
        const auto at = std::lower_bound(length.begin(), length.end(), wanted) - length.begin();
        const Rgb rgb = toRgb(pathAt(static_cast<double>(std::min<std::ptrdiff_t>(at, kFine - 1)) / (kFine - 1)));
        table[static_cast<std::size_t>(i)] =
            QColor::fromRgbF(static_cast<float>(encoded(rgb.r)), static_cast<float>(encoded(rgb.g)),
                             static_cast<float>(encoded(rgb.b)))
                .toRgb();
    }
    return table;
}

double luminance(const QColor& color)
{
    return 0.2126 * decoded(color.redF()) + 0.7152 * decoded(color.greenF()) + 0.0722 * decoded(color.blueF());
}

} // namespace

QColor mapColor(double t, bool dark)
{
    static const std::array<QColor, kSteps> table = makeTable();
    const double share = std::isfinite(t) ? std::clamp(t, 0.0, 1.0) : 0.0;
    return table[static_cast<std::size_t>(std::lround((dark ? share : 1 - share) * (kSteps - 1)))];
}

double contrast(const QColor& a, const QColor& b)
{
    const auto [low, high] = std::minmax({luminance(a), luminance(b)});
    return (high + 0.05) / (low + 0.05);
}

QColor inkOn(const QColor& fill)
{
    // White on 0.18 and black on it both reach 4.5:1, so that one of the two always does.
    return luminance(fill) > 0.18 ? QColor(Qt::black) : QColor(Qt::white);
}

QColor mixed(const QColor& a, const QColor& b, double share)
{
    const auto part = [share](int x, int y) { return static_cast<int>(std::lround(x + (y - x) * share)); };
    return QColor(part(a.red(), b.red()), part(a.green(), b.green()), part(a.blue(), b.blue()));
}

} // namespace sa::ui
