// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the options that a method is given. The host has checked them against the schema and filled in the defaults, so
// that this reader only has to find its way through one flat JSON object of numbers, flags and texts.
#pragma once

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>

namespace shiftadd
{

class Options
{
public:
    /// Throws std::invalid_argument for anything but a flat object.
    explicit Options(const char* json)
        : m_at(json)
    {
        expect('{');
        if (skip() != '}') {
            do {
                const std::string key = text();
                expect(':');
                m_values[key] = value();
            } while (skip() == ',' && *m_at++ == ',');
        }
        expect('}');
    }

    double number(const std::string& key) const { return std::strtod(find(key).c_str(), nullptr); }
    int integer(const std::string& key) const { return static_cast<int>(std::strtol(find(key).c_str(), nullptr, 10)); }
    unsigned long long seed(const std::string& key) const { return std::strtoull(find(key).c_str(), nullptr, 10); }
    bool flag(const std::string& key) const { return find(key) == "true"; }
    const std::string& text(const std::string& key) const { return find(key); }

private:
    const std::string& find(const std::string& key) const
    {
        const auto place = m_values.find(key);
        if (place == m_values.end())
            throw std::invalid_argument("the host gave no value for the parameter " + key);
        return place->second;
    }
    char skip()
    {
        while (*m_at == ' ' || *m_at == '\n' || *m_at == '\t' || *m_at == '\r')
            ++m_at;
        return *m_at;
    }
    void expect(char c)
    {
        if (skip() != c)
            throw std::invalid_argument("the options are no flat JSON object");
        ++m_at;
    }
    /// Schemas have plain ASCII choices; escapes other than of a quote and a backslash are not needed.
    std::string text()
    {
        expect('"');
        std::string out;
        for (; *m_at && *m_at != '"'; ++m_at) {
            if (*m_at == '\\' && (m_at[1] == '"' || m_at[1] == '\\'))
                ++m_at;
            out += *m_at;
        }
        expect('"');
        return out;
    }
    std::string value()
    {
        if (skip() == '"')
            return text();
        std::string out;
        while (*m_at && *m_at != ',' && *m_at != '}' && *m_at != ' ' && *m_at != '\n')
            out += *m_at++;
        return out;
    }

    const char* m_at;
    std::map<std::string, std::string> m_values;
};

} // namespace shiftadd
